"""What the page takes; light, so that `--help` answers at once."""

from dataclasses import dataclass, field

from faceproof.errors import SettingsError
from faceproof.settings import option


@dataclass(frozen=True)
class AppSettings:
    """Where the page is served."""

    model: str | None = field(
        default=None,
        metadata=option("model folder or Hub id; the released detector if not given", "input"),
    )
    port: int = field(default=7860, metadata=option("port on this machine; 0 for any free one"))

    def __post_init__(self) -> None:
        """Refuse what is no port."""
        if not 0 <= self.port < 1 << 16:
            raise SettingsError(f"port is {self.port}; ports are from 0 to 65535")
