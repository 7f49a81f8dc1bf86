"""`python -m resource_protector`: the command line."""

from resource_protector.cli import main

if __name__ == "__main__":
    main()
