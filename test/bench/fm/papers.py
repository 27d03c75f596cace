"""What the papers published, and the experiment that repeats each figure.

A figure is repeated twice: on the paper's own machine with the paper's own strategy (the model), which
has to come within TOLERANCE of what was published or nothing else here means anything; and with our
library, firmware and strategy on the machine that the targets are stated for (ours).
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
    """How a program is run."""
    program: str   # fm, put or mpi
    machine: str   # of firmware/emulator/machine.cpp
    strategy: str  # FATHOM_FM_STRATEGY
    packet: int = 0  # FATHOM_FM_PACKET, or 0: what fits into a slot


class Figure(NamedTuple):
    paper: str            # key of --paper
    what: str
    unit: str
    published: object     # a number, or (low, high) for a range over several systems
    source: str
    model: object         # Setup, or None: the system is not modelled
    ours: object          # Setup
    measure: str          # name of a function of measures.py
    target: object = None # what the design promises for ours, or None
    why: str = ""         # said when the model is off


FM1_MODEL = Setup("fm", "sparc20", "pio", 128)  # FM 1.x: packets of 128 bytes
FM2_MODEL = Setup("fm", "fm2", "pio")
BIP_MODEL = Setup("put", "bip", "adapt")
MPIFM_MODEL = Setup("mpi", "fm2", "pio")
OURS = Setup("fm", "ppro200", "adapt")
OURS_PII = Setup("fm", "pii300", "adapt")
OURS_PUT = Setup("put", "ppro200", "adapt")
OURS_MPI = Setup("mpi", "ppro200", "adapt")
OURS_MPI_PII = Setup("mpi", "pii300", "adapt")

# Why a model is off, where it is. The paper's firmware is not left to run, and was not made for the same:
# FM and BIP sent no acknowledgements and had no time-outs, channels, keys or page tables to check.
WHY_PACKETS = ("packets come at the interval of our firmware (table of streams, --paper logp), whatever "
               "the host does")
WHY_ONE_WAY = "wire, DMA and our firmware take that long before any software (budget, --paper logp)"
WHY_DEPOSIT = ("a deposit's fixed part is long in our firmware: a window, page lists, and a message of its "
               "own that tells the end; BIP's receiver waits on the board's word")

FIGURES = [
    Figure("fm1", "FM 1.x, latency, 16 B", "us", 14, FM1, FM1_MODEL, OURS, "latency_16", 6),
    Figure("fm1", "FM 1.x, peak bandwidth", "MB/s", 17.6, FM1, FM1_MODEL, OURS, "peak", why=WHY_PACKETS),
    Figure("fm1", "FM 1.x, N1/2", "B", 54, FM1, FM1_MODEL, OURS, "half_power", why=WHY_PACKETS),
    Figure("fm2", "FM 2.1, latency", "us", 9, FM2, FM2_MODEL, OURS_PII, "latency_8", 6),
    Figure("fm2", "FM 2.1, bandwidth at 256 B", "MB/s", 43,
           "Concurrent Systems Architecture Group, UCSD, FM page, 1999",
           FM2_MODEL, OURS_PII, "bandwidth_256", why=WHY_PACKETS),
    Figure("fm2", "FM 2.1, peak bandwidth", "MB/s", 92, FM2, FM2_MODEL, OURS_PII, "peak", 92,
           why=WHY_PACKETS),
    Figure("fm2", "FM 2.1, N1/2", "B", 256, FM2, FM2_MODEL, OURS_PII, "half_power", 256,
           why=WHY_PACKETS),
    Figure("bip", "BIP 0.92, latency", "us", 4.3, BIP, BIP_MODEL, OURS, "latency_8", 6, why=WHY_ONE_WAY),
    Figure("bip", "BIP 0.92, peak bandwidth", "MB/s", 126, BIP, BIP_MODEL, OURS_PUT, "peak", 126),
    Figure("bip", "BIP 0.92, N1/2 of the ping-pong", "B", 4096, BIP, BIP_MODEL, OURS_PUT,
           "half_power_pingpong", why=WHY_DEPOSIT),
    Figure("mpi", "MPI-FM 2.0, latency", "us", 13, FM2, MPIFM_MODEL, OURS_MPI, "latency_8", 8),
    Figure("mpi", "MPI-FM 2.0, peak bandwidth", "MB/s", 91, FM2, MPIFM_MODEL, OURS_MPI, "peak", 124,
           why=WHY_PACKETS),
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

# Streams whose stages are looked at: name, setup, bytes of a message.
STREAMS = [
    ("FM 1.x model, 128 B", FM1_MODEL, 128),
    ("FM 2.1 model, 256 B", FM2_MODEL, 256),
    ("FM 2.1 model, 4 KiB", FM2_MODEL, 4096),
    ("FM ours, 256 B", OURS_PII, 256),
    ("FM ours, 64 KiB", OURS, 65536),
    ("deposits ours, 1 MiB", OURS_PUT, 1 << 20),
]

# MPI-FM 2.0 as a share of FM 2.1, percent (figure 8 of the FM paper): the least and the most over
# all sizes, and what it reaches at almost all of them.
SHARE = {"least": 70, "most": 98, "usual": 80, "target_from_256": 98}

PAPERS = ["fm1", "fm2", "bip", "mpi", "logp", "multicast"]
