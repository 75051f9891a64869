"""`python -m hemiscale` is the `hemiscale` command."""

from hemiscale.cli import main

main()
