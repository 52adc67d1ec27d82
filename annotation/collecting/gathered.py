"""A collection's photographs as a source for the importer; those that failed, with why."""

from annotation.images.pictures import MAX_BYTES, Refused
from annotation.images.sidecar import Row, Sidecar, remark, row_of
from annotation.images.sources import Entry

from .downloading import path_of
from .models import Collection, Photograph


class Gathered:
    """A source like a folder; its ``metadata.csv`` are the rows of the collection."""

    def __init__(self, collection: Collection) -> None:
        self._rows = {p.file_name: p for p in collection.photographs.order_by("pk").iterator()}

    def entries(self) -> list[Entry]:
        return [Entry(name, row.why) for name, row in self._rows.items()]

    def read(self, name: str) -> bytes:
        try:
            with path_of(self._rows[name]).open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise Refused(f"cannot be opened: {error.strerror}") from None

    def sidecar(self) -> Sidecar:
        rows: dict[str, Row] = {}
        remarks = []
        for name, photograph in self._rows.items():
            if photograph.state == Photograph.State.FETCHED:
                rows[name], problems = row_of(photograph.described)
                remarks += [remark(name, problem) for problem in problems]
        return Sidecar(rows, remarks)

    def close(self) -> None:
        """Nothing stays open."""
