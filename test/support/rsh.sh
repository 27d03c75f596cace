#!/bin/sh
# A remote shell that leads nowhere: hosts of any name are this one. For FATHOM_RSH.
shift
exec sh -c "$1"
