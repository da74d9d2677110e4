"""The lake, asked for by a statement of a warehouse: COPY, UNLOAD, and tables of external schemas."""

from pathlib import Path
from types import TracebackType
from typing import Self

from lakemill.lakesql.remote import RemoteLake
from lakemill.warehouse.interface import Authorization
from lakemill.warehouse.platform import Platform


class WarehouseLake(RemoteLake):
    """The lake in somebody's name; a context: what was stored stays where it ends without an error.

    Raises LakeRefused where the platform refuses, as every method does.
    """

    def __init__(self, platform: Platform, authorization: Authorization | None) -> None:
        super().__init__(lambda question, arguments: platform.lake(self._id, question, arguments))
        self._platform = platform
        begun = platform.begin(authorization)
        self._id: str = begun["lake"]
        self.folder = Path(begun["folder"])
        """Where files may be left that are to be stored."""
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(keep=kind is None)

    def end(self, keep: bool) -> None:
        """What was stored or made stays, or is taken back; a second end is none."""
        if not self._ended:
            self._ended = True
            self._platform.end(self._id, keep)
