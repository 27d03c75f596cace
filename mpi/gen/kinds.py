"""The kinds of parameters: for each, its C type, the type that the body sees, and its check.

Templates may use {n}, the parameter's name; {o}, the variable of its decoded object or widened
value; {length}, {comm}, {type}, {count}: expressions for what the parameter depends on, which
shells.py fills in from the other parameters of the function.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    c: str            # declaration in C
    body: str         # declaration in the body
    letter: str       # conversion in the report of an error, see mpi/core/call.hpp
    check: str = ""   # expression of type Status
    local: str = ""   # declaration of {o}
    arg: str = "{n}"  # what the body is passed
    after: str = ""   # statement after the body's success
    large: str = ""   # declaration in C in the large-count variant, when it differs
    order: int = 2    # checks run in this order: communicators 0, root 1, most 2, data and op 3


def handle(c_type: str, cpp: str, letter: str, order: int = 2) -> Kind:
    return Kind(f"{c_type} {{n}}", f"{cpp}& {{n}}", letter, 'check::handle("{n}", {n}, {o})',
                f"{cpp}* {{o}} = nullptr;", "*{o}", order=order)


def handle_out(c_type: str, cpp: str, null_handle: str) -> Kind:
    return Kind(f"{c_type}* {{n}}", f"{cpp}*& {{n}}", "p", 'check::not_null("{n}", {n})',
                f"{cpp}* {{o}} = nullptr;", "{o}", f"*{{n}} = encode({{o}}, {null_handle});")


def handle_free(c_type: str, cpp: str, null_handle: str, constants: str = "",
                order: int = 2) -> Kind:
    return Kind(f"{c_type}* {{n}}", f"{cpp}& {{n}}", "p",
                f'check::freeable("{{n}}", {{n}}, {{o}}{constants})',
                f"{cpp}* {{o}} = nullptr;", "*{o}", f"*{{n}} = {null_handle};", order=order)


def number(letter: str, status: str = "", large: str = "MPI_Count {n}") -> Kind:
    check = f'check::not_negative(Status::{status}, "{{n}}", {{n}})' if status else ""
    return Kind("int {n}", "Count {n}", letter, check, large=large)


def int_array(c: str, status: str = "", large: str = "const MPI_Count {n}[]") -> Kind:
    check = f'check::not_negative(Status::{status}, "{{n}}", {{n}}, {{length}})' if status \
        else 'check::array("{n}", {n}, {length})'
    return Kind(c, "IntArray {n}", "p", check, large=large)


def plain(c: str, letter: str, check: str = "", body: str = "", order: int = 2) -> Kind:
    return Kind(c, body or c, letter, check, order=order)


NOT_NULL = 'check::not_null("{n}", {n})'
ARRAY = 'check::array("{n}", {n}, {length})'
MEMORY = 'check::memory("{n}", {n}, {length})'
BUFFER = 'check::buffer("{n}", {n}, {count}, {type})'

KINDS: dict[str, Kind] = {
    # Data. A buffer's count and datatype are the next ones among the parameters.
    "SEND_BUFFER": plain("const void* {n}", "p", BUFFER, order=3),
    "RECV_BUFFER": plain("void* {n}", "p", BUFFER, order=3),
    "PACKED": plain("const void* {n}", "p", MEMORY),
    "MEMORY": plain("void* {n}", "p", MEMORY),
    "LOCATION": plain("const void* {n}", "p"),
    "LOCATION_OLD": plain("void* {n}", "p", body="const void* {n}"),
    "POINTER_OUT": plain("void* {n}", "p", NOT_NULL),
    # Numbers
    "COUNT": number("i", "count"),
    "COUNT_WIDE": plain("MPI_Count {n}", "l", 'check::not_negative(Status::count, "{n}", {n})'),
    "BLOCKLENGTH": number("i", "arg"),
    "SIZE": number("i", "arg"),
    "OFFSET": number("i"),
    "LENGTH": plain("int {n}", "i", 'check::not_negative(Status::count, "{n}", {n})'),
    "RANK_COUNT": plain("int {n}", "i", 'check::not_negative(Status::arg, "{n}", {n})'),
    "INT": plain("int {n}", "i"),
    "AINT": Kind("MPI_Aint {n}", "Aint {n}", "l", large="MPI_Count {n}"),
    # Arrays of numbers: one element per process, or as many as the length parameter says.
    "COUNTS": int_array("const int {n}[]", "count"),
    "DISPLS": int_array("const int {n}[]", large="const MPI_Aint {n}[]"),
    "BLOCKLENGTHS": int_array("const int {n}[]", "arg"),
    "BLOCKLENGTHS_OLD": int_array("int {n}[]", "arg"),
    "OFFSETS": int_array("const int {n}[]"),
    "AINTS": int_array("const MPI_Aint {n}[]"),
    "AINTS_OLD": int_array("MPI_Aint {n}[]"),
    "INTS": plain("const int {n}[]", "p", ARRAY, "const int* {n}"),
    "INTS_OUT": plain("int {n}[]", "p", ARRAY, "int* {n}"),
    "INTS_RAW": plain("const int {n}[]", "p", body="const int* {n}"),  # how many, the body knows
    "INTS_OUT_RAW": plain("int {n}[]", "p", body="int* {n}"),
    "RANGES": plain("int {n}[][3]", "p", ARRAY, "const int (*{n})[3]"),
    # Ranks and tags
    "DEST": plain("int {n}", "r", 'check::dest("{n}", {n}, {comm})'),
    "SOURCE": plain("int {n}", "r", 'check::source("{n}", {n}, {comm})'),
    "RANK": plain("int {n}", "r", 'check::rank("{n}", {n}, {comm})'),
    "ROOT": plain("int {n}", "r", 'check::root("{n}", {n}, {comm})', order=1),
    "TAG": plain("int {n}", "t", 'check::tag("{n}", {n})'),
    "TAG_OR_ANY": plain("int {n}", "t", 'check::tag_or_any("{n}", {n})'),
    # Handles
    "COMM": handle("MPI_Comm", "Comm", "C", order=0),
    "COMM_INTRA": Kind("MPI_Comm {n}", "Comm& {n}", "C",
                       'check::intracommunicator("{n}", {n}, {o})', "Comm* {o} = nullptr;", "*{o}",
                       order=0),
    "COMM_OUT": handle_out("MPI_Comm", "Comm", "MPI_COMM_NULL"),
    "COMM_FREE": handle_free("MPI_Comm", "Comm", "MPI_COMM_NULL", order=0),
    "COMM_RAW": plain("MPI_Comm {n}", "C"),
    "GROUP": handle("MPI_Group", "Group", "G"),
    "GROUP_OUT": handle_out("MPI_Group", "Group", "MPI_GROUP_NULL"),
    "GROUP_FREE": handle_free("MPI_Group", "Group", "MPI_GROUP_NULL", ", true"),
    "DATATYPE": Kind("MPI_Datatype {n}", "Datatype& {n}", "D",
                     'check::committed("{n}", {n}, {o})', "Datatype* {o} = nullptr;", "*{o}"),
    "DATATYPE_ANY": handle("MPI_Datatype", "Datatype", "D"),
    "DATATYPE_INOUT": Kind("MPI_Datatype* {n}", "Datatype& {n}", "p",
                           'check::live("{n}", {n}, {o})', "Datatype* {o} = nullptr;", "*{o}"),
    "DATATYPE_OUT": handle_out("MPI_Datatype", "Datatype", "MPI_DATATYPE_NULL"),
    "DATATYPE_FREE": handle_free("MPI_Datatype", "Datatype", "MPI_DATATYPE_NULL"),
    "DATATYPES_EACH": Kind("const MPI_Datatype {n}[]", "DatatypeArray {n}", "p",
                           'check::committed("{n}", {n}, {length}, {o})',
                           "const MPI_Datatype* {o} = nullptr;", "DatatypeArray({o})"),
    "DATATYPES": Kind("const MPI_Datatype {n}[]", "DatatypeArray {n}", "p",
                      'check::datatypes("{n}", {n}, {length})', arg="DatatypeArray({n})"),
    "DATATYPES_OLD": Kind("MPI_Datatype {n}[]", "DatatypeArray {n}", "p",
                          'check::datatypes("{n}", {n}, {length})', arg="DatatypeArray({n})"),
    "OP": Kind("MPI_Op {n}", "Op& {n}", "O", 'check::op("{n}", {n}, {o}, {type})',
               "Op* {o} = nullptr;", "*{o}", order=3),
    "OP_ANY": handle("MPI_Op", "Op", "O"),
    "OP_OUT": handle_out("MPI_Op", "Op", "MPI_OP_NULL"),
    "OP_FREE": handle_free("MPI_Op", "Op", "MPI_OP_NULL"),
    "ERRHANDLER": handle("MPI_Errhandler", "Errhandler", "E"),
    "ERRHANDLER_OUT": handle_out("MPI_Errhandler", "Errhandler", "MPI_ERRHANDLER_NULL"),
    "ERRHANDLER_FREE": handle_free("MPI_Errhandler", "Errhandler", "MPI_ERRHANDLER_NULL",
                                   ", true"),
    "REQUEST_OUT": handle_out("MPI_Request", "Request", "MPI_REQUEST_NULL"),
    "REQUEST_RAW": plain("MPI_Request* {n}", "p", NOT_NULL),
    "REQUESTS_RAW": plain("MPI_Request {n}[]", "p", ARRAY, "MPI_Request* {n}"),
    "REQUEST_VALUE": plain("MPI_Request {n}", "p"),
    "REQUESTS_IN": plain("const MPI_Request {n}[]", "p", ARRAY, "const MPI_Request* {n}"),
    "MESSAGE_RAW": plain("MPI_Message* {n}", "p", NOT_NULL),
    # Handles that may be anything
    "MESSAGE_VALUE": plain("MPI_Message {n}", "p"),
    "SESSION_VALUE": plain("MPI_Session {n}", "p"),
    "INFO": handle("MPI_Info", "Info", "I"),
    "INFO_OR_NULL": Kind("MPI_Info {n}", "const Info* {n}", "I",
                         'check::handle_or_null("{n}", {n}, MPI_INFO_NULL, {o})',
                         "Info* {o} = nullptr;", "{o}"),
    "INFO_OUT": handle_out("MPI_Info", "Info", "MPI_INFO_NULL"),
    "INFO_FREE": handle_free("MPI_Info", "Info", "MPI_INFO_NULL"),
    # Statuses; null is MPI_STATUS_IGNORE where the call writes them.
    "STATUS": Kind("const MPI_Status* {n}", "const MPI_Status& {n}", "p", NOT_NULL, arg="*{n}"),
    "STATUS_INOUT": Kind("MPI_Status* {n}", "MPI_Status& {n}", "p", NOT_NULL, arg="*{n}"),
    "STATUS_OUT": plain("MPI_Status* {n}", "p"),
    "STATUSES_OUT": plain("MPI_Status* {n}", "p"),
    # Results
    "INT_OUT": Kind("int* {n}", "int& {n}", "p", NOT_NULL, arg="*{n}"),
    "AINT_OUT": Kind("MPI_Aint* {n}", "Aint& {n}", "p", NOT_NULL, arg="*{n}",
                     large="MPI_Count* {n}"),
    "COUNT_OUT": Kind("int* {n}", "Count& {n}", "p", NOT_NULL, "Count {o} = 0;", "{o}",
                      "store({n}, {o});", large="MPI_Count* {n}"),
    "COUNT_INOUT": Kind("int* {n}", "Count& {n}", "p", NOT_NULL,
                        "Count {o} = {n} != nullptr ? *{n} : 0;", "{o}", "store({n}, {o});",
                        large="MPI_Count* {n}"),
    # The rest
    "STRING": plain("const char* {n}", "p", NOT_NULL),
    "STRING_OUT": plain("char* {n}", "p", NOT_NULL),
    "STRING_OUT_OR_NULL": plain("char* {n}", "p"),
    "STRINGS": plain("char* {n}[]", "p", body="char** {n}"),
    "LEVEL": plain("const int {n}", "i"),
    "VARIADIC": plain("{n}", "p"),
    "VALUE": plain("void* {n}", "p"),
    "COMM_COPY_FUNCTION": plain("MPI_Comm_copy_attr_function* {n}", "p"),
    "COMM_DELETE_FUNCTION": plain("MPI_Comm_delete_attr_function* {n}", "p"),
    "TYPE_COPY_FUNCTION": plain("MPI_Type_copy_attr_function* {n}", "p"),
    "TYPE_DELETE_FUNCTION": plain("MPI_Type_delete_attr_function* {n}", "p"),
    "COPY_FUNCTION_OLD": plain("MPI_Copy_function* {n}", "p"),
    "DELETE_FUNCTION_OLD": plain("MPI_Delete_function* {n}", "p"),
    "USER_FUNCTION": Kind("MPI_User_function* {n}", "UserFunction {n}", "p", NOT_NULL,
                          large="MPI_User_function_c* {n}"),
    "ERRHANDLER_FUNCTION": plain("MPI_Comm_errhandler_function* {n}", "p", NOT_NULL),
    "GREQUEST_QUERY": plain("MPI_Grequest_query_function* {n}", "p", NOT_NULL),
    "GREQUEST_FREE": plain("MPI_Grequest_free_function* {n}", "p", NOT_NULL),
    "GREQUEST_CANCEL": plain("MPI_Grequest_cancel_function* {n}", "p", NOT_NULL),
    "EXTRA_STATE": plain("void* {n}", "p"),
    "ARGC": plain("int* {n}", "p"),
    "ARGV": plain("char*** {n}", "p"),
}

COMMS = ("COMM", "COMM_INTRA", "COMM_FREE")
BUFFERS = ("SEND_BUFFER", "RECV_BUFFER")
COUNTS = ("COUNT", "COUNTS")
TYPES = ("DATATYPE", "DATATYPE_ANY", "DATATYPES_EACH")
# Arrays with one element per process that the communicator's collectives exchange data with.
PER_PROCESS = ("COUNTS", "DISPLS", "DATATYPES_EACH")
BYTES = ("PACKED", "MEMORY")        # as long as the next SIZE says
LENGTHS = ("LENGTH", "RANK_COUNT", "COUNT")  # what says the length of any other array
