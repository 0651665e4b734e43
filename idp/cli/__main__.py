"""`python -m idp.cli`: the same commands where the `idp` script is not installed."""

from idp.cli import main

if __name__ == "__main__":
    main(prog_name="idp")
