"""What is wrong with a token, a realm or an application's routes, said so that somebody can act on it.

from resource_protector.explain import Yardstick, explain

explanation = explain(token, Yardstick.of(validator))
print(explanation.advice[0])
"""

from .explanation import Explanation, explain
from .yardstick import Yardstick

__all__ = ["Explanation", "Yardstick", "explain"]
