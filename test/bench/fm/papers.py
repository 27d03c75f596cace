"""What the papers published, and the experiment that repeats each figure.

A figure is repeated twice: by the paper's own control program and host software, as far as the papers
tell, on the paper's machine (the model), which has to come within TOLERANCE of what was published or
nothing else here means anything; and with our library and firmware on the machines that the targets are
stated for (ours).
"""

from typing import NamedTuple

TOLERANCE = 0.15

FM1 = "Pakin, Lauria, Chien: Illinois Fast Messages for Myrinet, SC'95; FM 1.1"
FM2 = "Lauria, Pakin, Chien: Efficient Layering, Fast Messages 2.x, HPDC-7, 1998; FM 2.1 of HPVM"
BIP = "Prylli, Tourancheau: BIP, PC-NOW/IPPS'98; BIP 0.92"
STUDY = "Araki et al.: User-Space Communication, a Quantitative Study, SC'98"
NOW = "Martin et al.: Effects of Communication Latency, Overhead and Bandwidth, ISCA'97 (GAM)"
FPVM = "FMP and FPVM, Tsinghua University, 1999"


class Setup(NamedTuple):
    """One of our programs under mpirun."""
    program: str   # fm, put or mpi
    machine: str   # of firmware/emulator/machine.cpp


class Model(NamedTuple):
    """A paper's system, by itself: test/bench/fm/papers."""
    system: str
    machine: str   # which it runs on


class Figure(NamedTuple):
    paper: str            # key of --paper
    what: str
    unit: str
    published: object     # a number, or (low, high) for a range over several systems
    source: str
    model: object         # Model, or None: the system is not modelled
    ours: object          # Setup
    measure: str          # name of a function of measures.py
    target: object = None # what the design promises for ours, or None


FM1_MODEL = Model("fm1", "sparc20")
FM2_MODEL = Model("fm2", "fm2")
MPIFM_MODEL = Model("mpifm", "fm2")
BIP_MODEL = Model("bip", "bip")
OURS = Setup("fm", "ppro200")
OURS_PII = Setup("fm", "pii300")
OURS_PUT = Setup("put", "ppro200")
OURS_PUT_PII = Setup("put", "pii300")
OURS_MPI = Setup("mpi", "ppro200")
OURS_MPI_PII = Setup("mpi", "pii300")

FIGURES = [
    Figure("fm1", "FM 1.x, latency, 16 B", "us", 14, FM1, FM1_MODEL, OURS, "latency_16", 6),
    Figure("fm1", "FM 1.x, peak bandwidth", "MB/s", 17.6, FM1, FM1_MODEL, OURS, "peak"),
    Figure("fm1", "FM 1.x, N1/2", "B", 54, FM1, FM1_MODEL, OURS, "half_power"),
    Figure("fm2", "FM 2.1, latency", "us", 9, FM2, FM2_MODEL, OURS_PII, "latency_8", 6),
    Figure("fm2", "FM 2.1, bandwidth at 256 B", "MB/s", 43,
           "Concurrent Systems Architecture Group, UCSD, FM page, 1999",
           FM2_MODEL, OURS_PII, "bandwidth_256"),
    Figure("fm2", "FM 2.1, peak bandwidth", "MB/s", 92, FM2, FM2_MODEL, OURS_PII, "peak", 92),
    Figure("fm2", "FM 2.1, N1/2", "B", 256, FM2, FM2_MODEL, OURS_PII, "half_power", 256),
    Figure("bip", "BIP 0.92, latency", "us", 4.3, BIP, BIP_MODEL, OURS, "latency_8", 6),
    Figure("bip", "BIP 0.92, peak bandwidth", "MB/s", 126, BIP, BIP_MODEL, OURS_PUT, "peak", 126),
    Figure("bip", "BIP 0.92, N1/2 of the ping-pong", "B", 4096, BIP, BIP_MODEL, OURS_PUT,
           "half_power_pingpong"),
    Figure("mpi", "MPI-FM 2.0, latency", "us", 13, FM2, MPIFM_MODEL, OURS_MPI, "latency_8", 8),
    Figure("mpi", "MPI-FM 2.0, latency", "us", 13, FM2, MPIFM_MODEL, OURS_MPI_PII, "latency_8", 8),
    Figure("mpi", "MPI-FM 2.0, peak bandwidth", "MB/s", 91, FM2, MPIFM_MODEL, OURS_MPI, "peak", 124),
    Figure("mpi", "MPI-FM 2.0, peak bandwidth", "MB/s", 91, FM2, MPIFM_MODEL, OURS_MPI_PII, "peak", 124),
    Figure("mpi", "GAM, BIP, FM, PM, VMMC-2: latency", "us", (5, 17), STUDY, None, OURS, "latency_8", 6),
    Figure("mpi", "GAM, PM, VMMC-2: peak bandwidth", "MB/s", (50, 108), STUDY, None, OURS_PUT, "peak", 126),
    Figure("mpi", "FMP, latency", "us", 9, FPVM, None, OURS, "latency_8", 6),
    Figure("mpi", "FMP, peak bandwidth", "MB/s", 83, FPVM, None, OURS_PUT, "peak", 126),
    Figure("mpi", "FPVM, latency", "us", 45, FPVM, None, OURS_MPI, "latency_8", 8),
    Figure("mpi", "FPVM, peak bandwidth", "MB/s", 48, FPVM, None, OURS_MPI, "peak", 124),
    Figure("logp", "LogP, send overhead o_s", "us", 2.9, NOW, None, OURS, "logp_os"),
    Figure("logp", "LogP, receive overhead o_r", "us", 2.9, NOW, None, OURS, "logp_or"),
    Figure("logp", "LogP, latency L", "us", 5.0, NOW, None, OURS, "logp_L"),
    Figure("logp", "LogP, gap g", "us", 5.8, NOW, None, OURS, "logp_g"),
]

LATENCY_TARGETS = {"FM": 6, "MPI": 8}  # us, 8 bytes one way
MODEL_LATENCIES = {"FM 2.1": 9, "MPI-FM": 13, "BIP": 4.3}  # published for 8 bytes

# Whose 8-byte messages are looked at stage by stage.
BUDGETS = {"FM ppro200": OURS, "FM pii300": OURS_PII, "MPI ppro200": OURS_MPI, "MPI pii300": OURS_MPI_PII}
MODEL_BUDGETS = {"FM 1.x": FM1_MODEL, "FM 2.1": FM2_MODEL, "MPI-FM": MPIFM_MODEL, "BIP": BIP_MODEL}

# Streams whose stages are looked at: name, setup, bytes of a message.
STREAMS = [
    ("FM 1.x model, 128 B", FM1_MODEL, 128),
    ("FM 2.1 model, 256 B", FM2_MODEL, 256),
    ("FM 2.1 model, 4 KiB", FM2_MODEL, 4096),
    ("BIP model, 1 MiB", BIP_MODEL, 1 << 20),
    ("FM ours, 256 B", OURS_PII, 256),
    ("FM ours, 64 KiB", OURS, 65536),
    ("deposits ours, 1 MiB", OURS_PUT, 1 << 20),
]

# MPI-FM 2.0 as a share of FM 2.1, percent (figure 8 of the FM paper): the least and the most over
# all sizes, and what it reaches at almost all of them.
SHARE = {"least": 70, "most": 98, "usual": 80, "target_from_256": 98}

PAPERS = ["fm1", "fm2", "bip", "mpi", "logp", "multicast"]
