"""The kinds that people try to write, beside those of the scenarios."""

from scenarios.kinds import Kind

REPLICA_SET = Kind("ReplicaSet", "apps/v1", "replicasets")
STATEFUL_SET = Kind("StatefulSet", "apps/v1", "statefulsets")
DAEMON_SET = Kind("DaemonSet", "apps/v1", "daemonsets")
CRON_JOB = Kind("CronJob", "batch/v1", "cronjobs")
CONTROLLER = Kind("ReplicationController", "v1", "replicationcontrollers")
MIGRATION = Kind("VirtualMachineInstanceMigration", "kubevirt.io/v1", "virtualmachineinstancemigrations")
CONFIG_MAP = Kind("ConfigMap", "v1", "configmaps")
SECRET = Kind("Secret", "v1", "secrets")
ROLE_BINDING = Kind("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings")
