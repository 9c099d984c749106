"""Tables that people write: CSV with the usual encodings, separators and headers; JSON lines."""

import codecs
import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

from faceproof.data.inputs.names import find_column, list_headers
from faceproof.errors import InputError

_SEPARATORS = ",;\t|"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Spreadsheet:
    """The rows of a table by header; a cell that is not there is empty text.

    `first_line` is the line of the file where the rows begin.
    """

    header: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    first_line: int = 2

    def column(self, kind: str) -> list[str] | None:
        """The cells of the column that states `kind` (see `names.find_column`), None if none does.

        Spaces around them are taken off.
        """
        name = find_column(self.header, kind)
        return None if name is None else [row[name].strip() for row in self.rows]


def read_spreadsheet(data: bytes, where: str, needed: Sequence[str]) -> Spreadsheet:
    """Read a table.

    Args:
        data: the file: UTF-8, or UTF-16 with a byte order mark; commas, semicolons, tabs or bars.
        where: for messages.
        needed: kinds of columns that must be there (see `names.find_column`).

    Raises:
        InputError: not text, not CSV, without a needed column, or without any row.
    """
    try:
        text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
        first = text.partition("\n")[0]
        separator = max(_SEPARATORS, key=first.count)
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        cells = [line for line in lines if any(cell.strip() for cell in line)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{where} cannot be read as CSV: {error}") from error
    header = tuple(name.strip() for name in cells[0]) if cells else ()
    rows = (
        dict(zip(header, [*line, *[""] * (len(header) - len(line))], strict=False))
        for line in cells[1:]
    )
    return _require(Spreadsheet(header, tuple(rows)), where, needed)


def read_json_lines(data: bytes, where: str, needed: Sequence[str]) -> Spreadsheet:
    """Read a table that has one JSON object a line, such as the `metadata.jsonl` of `datasets`.

    Args:
        data: the file, UTF-8; empty lines are passed over.
        where: for messages.
        needed: kinds of columns that must be there (see `names.find_column`).

    Raises:
        InputError: not text, a line that is no JSON object, or without a needed column.
    """
    try:
        text = data.decode("utf-8-sig")
        lines = [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} cannot be read as JSON lines: {error}") from error
    if not all(isinstance(line, dict) for line in lines):
        raise InputError(f"{where} has a line that is no JSON object")
    header = tuple(dict.fromkeys(name for line in lines for name in line))
    rows = ({name: _to_cell(line.get(name)) for name in header} for line in lines)
    return _require(Spreadsheet(header, tuple(rows), first_line=1), where, needed)


def _to_cell(value: object) -> str:
    """A JSON value as text that can be written; null is an empty cell."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def _require(sheet: Spreadsheet, where: str, needed: Sequence[str]) -> Spreadsheet:
    missing = [one for one in needed if find_column(sheet.header, one) is None]
    if missing:
        raise InputError(
            f"{where} needs the columns {' and '.join(needed)}; {missing[0]} is not there "
            f"(looked for: {list_headers(missing[0])})"
        )
    return sheet
