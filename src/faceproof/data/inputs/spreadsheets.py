"""Tables that people write: CSV in the usual encodings, with the usual separators and headers."""

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from faceproof.data.inputs.names import find_column, list_headers
from faceproof.errors import InputError

_SEPARATORS = ",;\t|"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Spreadsheet:
    """The rows of a table by header; a cell that is not there is empty text."""

    header: tuple[str, ...]
    rows: tuple[dict[str, str], ...]

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
    sheet = Spreadsheet(
        header,
        tuple(
            dict(zip(header, [*line, *[""] * (len(header) - len(line))], strict=False))
            for line in cells[1:]
        ),
    )
    missing = [one for one in needed if find_column(header, one) is None]
    if missing:
        raise InputError(
            f"{where} needs the columns {' and '.join(needed)}; {missing[0]} is not there "
            f"(looked for: {list_headers(missing[0])})"
        )
    return sheet
