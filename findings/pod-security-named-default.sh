#!/usr/bin/env bash
# k8s.io/pod-security-admission 0.37.2 (Go): a pod may have NET_RAW at level baseline as long as it does not ask for it.
#
# A container that says nothing about capabilities gets the default set of its runtime, 14 of them in Docker and containerd.
# Thirteen of these may be added by name as well, which changes nothing; the one that is left makes the pod refused. So
# a manifest that spells out what it has anyway is judged more strictly than one that leaves it out. Seen:
#   nothing added: allowed
#   13 others added: allowed
#   NET_RAW added: refused, non-default capabilities: container "app" must not include "NET_RAW" in securityContext.capabilities.add
set -euo pipefail
here=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func main() {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(err)
	}
	baseline := api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()}
	ask := func(who string, added ...corev1.Capability) {
		app := corev1.Container{Name: "app", SecurityContext: &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: added}}}
		said := "allowed"
		for _, result := range evaluator.EvaluatePod(baseline, &metav1.ObjectMeta{}, &corev1.PodSpec{Containers: []corev1.Container{app}}) {
			if !result.Allowed {
				said = "refused, " + result.ForbiddenReason + ": " + result.ForbiddenDetail
			}
		}
		fmt.Println(who+":", said)
	}
	ask("nothing added")
	ask("13 others added", "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
		"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT")
	ask("NET_RAW added", "NET_RAW")
}
GO
go mod init example.com/finding 2>log && go get k8s.io/pod-security-admission/policy@v0.37.2 2>>log || { cat log; exit 1; }
go run . | tee seen
diff seen <(sed -n 's/^#   //p' "$here")
