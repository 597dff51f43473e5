"""The behaviors of AWS as data and code: what AWS does, what that is known from, how sure it is, and a check of it.

The list (``behaviors/*.toml``) is read without running anything; exercises name behaviors of it. The checks
(``checks/``) run against any endpoint, and what they find is the published ledger of the sandbox's fidelity
(``lab fidelity``, ``docs/fidelity.md``).
"""

from lab.conformance.catalog import Behavior, Grade, catalog, grade_of

__all__ = ["Behavior", "Grade", "catalog", "grade_of"]
