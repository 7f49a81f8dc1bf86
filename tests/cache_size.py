"""How many verified tokens the validators under attack remember: no answer may depend on it.

The environment's TOKEN_CACHE_SIZE overrides what a suite takes by default, so that all of it can be run both ways.
"""

import os

__all__ = ["cache_size"]


def cache_size(default: int = 4_096) -> int:
    """What to give as `token_cache_size`."""
    return int(os.environ.get("TOKEN_CACHE_SIZE", default))
