"""`python -m signalbox`: the command line."""

from .cli import main

main()
