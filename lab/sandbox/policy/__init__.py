"""The policy language: documents in, decisions with their trace out. Pure functions; nothing here knows a request.

``compile_policy`` reads a document, ``evaluate`` answers a question, ``grammar`` says whether AWS would store a
document, ``public`` whether S3 calls a bucket policy public.
"""

from lab.sandbox.policy.document import Policy, compile_policy
from lab.sandbox.policy.evaluate import Decision, Policies, Question, Reason, Source, evaluate
from lab.sandbox.policy.patterns import Lookup

__all__ = ["Decision", "Lookup", "Policies", "Policy", "Question", "Reason", "Source", "compile_policy", "evaluate"]
