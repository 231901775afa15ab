"""The API server takes the machine as it is rendered for the class, with all its webhooks and admission policies."""

from typing import Final

from berth.decide.model import Ask, ClassFacts, Outcome, Refusal, Verdict

_FIX: Final = {
    True: "it is asked again by itself: mend what that names, or use another class",
    False: "change what that names in the Workload, or what refuses it in the cluster",
}
"""What to do, by whether time may heal it."""


def preflight(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse a class whose machine the API server, with all its webhooks and policies, did not take in a dry run.

    A class that was not asked about yet fits: it is asked about before anything is written.
    """
    refused = next((each for each in ask.refusals if each.class_name == facts.name), None)
    if refused is None:
        return None
    outcome = Outcome.NOT_NOW if refused.heals else Outcome.NEVER
    return Verdict(outcome, "preflight", refused.reason, _message(refused))


def _message(refused: Refusal) -> str:
    return f"the API server refuses the machine: {refused.words.rstrip('.')}: {_FIX[refused.heals]}"
