{{/*
Names are fixed on purpose: there is one Berth in a cluster, and Helm refuses a second release that would own the same.
*/}}

{{- define "berth.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: berth
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: berth
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "berth.release" -}}
app.kubernetes.io/name: berth
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* What selects the pods of a component, and never changes: a list of the root and the component. */}}
{{- define "berth.selector" -}}
{{ include "berth.release" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "berth.account" -}}
{{ .Values.serviceAccount.name }}
{{- end }}

{{/* The operator as the API server knows it; admission policies name it. */}}
{{- define "berth.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "berth.account" . }}
{{- end }}

{{/* Groups of nodes and controllers, as literals of CEL. */}}
{{- define "berth.controllers" -}}
'system:nodes'
{{- range list "kube-system" .Values.admission.kubevirtNamespace .Values.admission.cdiNamespace | uniq -}}
, 'system:serviceaccounts:{{ . }}'
{{- end }}
{{- end }}

{{- define "berth.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "berth.metricsSecret" -}}
{{ .Values.metrics.certificate.secretName | default (ternary "berth-metrics-tls" "" .Values.metrics.certificate.certManager) }}
{{- end }}

{{- define "berth.previewSecret" -}}
{{ .Values.preview.certificate.secretName | default "berth-preview-tls" }}
{{- end }}

{{/* A file whose links lead to the pages of Berth: a list of the root and its path. */}}
{{- define "berth.linked" -}}
{{- $root := index . 0 -}}
{{ $root.Files.Get (index . 1) | replace "https://berth.dev/docs" $root.Values.docsUrl }}
{{- end }}

{{/*
Classes and policies stay when a release goes or forgets them: who removes one decides where workloads run.
Helm cannot map kinds that the same release brings along, so on a cluster that does not know them yet they are a hook
that comes after the CRDs, and already bear what makes them part of the release with the next upgrade.
*/}}
{{- define "berth.kept" -}}
helm.sh/resource-policy: keep
{{- if not (.Capabilities.APIVersions.Has "berth.dev/v1alpha1/IsolationClass") }}
helm.sh/hook: post-install,post-upgrade
meta.helm.sh/release-name: {{ .Release.Name }}
meta.helm.sh/release-namespace: {{ .Release.Namespace }}
{{- end }}
{{- end }}
