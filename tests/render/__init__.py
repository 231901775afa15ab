"""What is rendered, held against Kubernetes' and KubeVirt's own schemas and against the rules of tenancy."""
