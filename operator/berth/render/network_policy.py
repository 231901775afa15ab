"""Who may reach a Workload over the network: anyone, but only on its own ports."""

from berth.render.fields import present
from berth.render.metadata import child, labels, metadata, selector
from berth.render.model import Child, Object, Subject
from berth.render.ports import open_ports


def network_policy(subject: Subject) -> Child:
    """Return the NetworkPolicy. It is the same bytes whatever backs the Workload.

    Ports are numbers: masquerade keeps them, so they mean the same for pods and for machines.
    """
    return child(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata(subject, labels(subject)),
            "spec": present(
                {
                    "podSelector": {"matchLabels": selector(subject)},
                    "policyTypes": ["Ingress"],
                    "ingress": _ingress(subject),
                }
            ),
        }
    )


def _ingress(subject: Subject) -> list[Object]:
    """Return one rule for all ports; a policy without rules lets nothing in."""
    ports = [{"port": number, "protocol": protocol} for number, protocol in open_ports(subject.spec)]
    return [{"ports": ports}] if ports else []
