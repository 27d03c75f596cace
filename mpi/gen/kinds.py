"""The kinds of parameters, from mpi/spec/kinds.toml, which explains them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Kind:
    c: str
    body: str
    letter: str = "p"
    check: str = ""
    local: str = ""
    arg: str = "{n}"
    after: str = ""
    large: str = ""
    order: int = 2


def load_kinds(path: Path) -> dict[str, Kind]:
    table = tomllib.loads(path.read_text(encoding="utf-8"))

    def make(row: dict) -> Kind:
        while "like" in row:
            row = table["families"][row["like"]] | {k: v for k, v in row.items() if k != "like"}
        row = {"body": row["c"]} | row
        handle, status = row.pop("handle", ""), row.pop("status", "")
        words = {"{handle}": handle, "{HANDLE}": handle.upper(), "{status}": status}
        for word, text in words.items():
            row = {k: v.replace(word, text) if isinstance(v, str) else v for k, v in row.items()}
        return Kind(**row)

    return {name: make(row) for name, row in table["kinds"].items()}


KINDS = load_kinds(Path(__file__).resolve().parent.parent / "spec" / "kinds.toml")

COMMS = ("COMM", "COMM_OR_NULL", "COMM_INTRA", "COMM_TOPOLOGY", "COMM_FREE")
BUFFERS = ("SEND_BUFFER", "RECV_BUFFER")
COUNTS = ("COUNT", "COUNTS")
TYPES = ("DATATYPE", "DATATYPE_ANY", "DATATYPES_EACH")
# Arrays with one element per process that the communicator's collectives exchange data with.
PER_PROCESS = ("COUNTS", "DISPLS", "AINT_DISPLS", "DATATYPES_EACH")
BYTES = ("PACKED", "MEMORY")        # as long as the next of SIZES says
SIZES = ("SIZE", "AINT_SIZE")
LENGTHS = ("LENGTH", "RANK_COUNT", "COUNT")  # what says the length of any other array
