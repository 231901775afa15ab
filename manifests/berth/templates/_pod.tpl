{{/* What the pods of the operator and of the preview have in common. */}}

{{- define "berth.podMetadata" -}}
labels:
  {{- include "berth.selector" . | nindent 2 }}
  {{- with (index . 0).Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with (index . 0).Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with (index . 0).Values.podAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "berth.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "berth.scheduling" -}}
{{- $values := (index . 0).Values -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "berth.selector" . | nindent 8 }}
  {{- with $values.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "berth.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Settings as the environment variables that they are. JSON writes numbers as they are meant, and lists. */}}
{{- define "berth.settings" -}}
{{- range $name, $value := .Values.settings }}
- {name: BERTH_{{ upper $name }}, value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}}
{{- end }}
{{- if .Values.tracing.enabled }}
- {name: BERTH_TRACING, value: "true"}
- {name: OTEL_SERVICE_NAME, value: berth}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .Values.tracing.endpoint | quote }}}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What probes are made of. */}}
{{- define "berth.probeEnv" -}}
{{- with .Values.probe }}
{{- if .enabled -}}
- name: BERTH_PROBE_IMAGE
  value: {{ .image.repository }}{{ with .image.digest }}@{{ . }}{{ else }}:{{ .image.tag | default $.Chart.AppVersion }}{{ end }}
- {name: BERTH_PROBE_SECONDS, value: {{ toJson .seconds | quote }}}
- name: BERTH_PROBE_PEERS
  value: {{ concat (compact (list .metadataAddress)) .forbiddenPeers | toJson | quote }}
{{- with $.Values.imagePullSecrets }}
{{- $names := list }}
{{- range . }}{{ $names = append $names .name }}{{ end }}
- {name: BERTH_PROBE_PULL_SECRETS, value: {{ toJson $names | quote }}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* What secure metrics need of a pod, each a list of the root and the port. */}}

{{- define "berth.metricsPort" -}}
{{- if (index . 0).Values.metrics.secure -}}
- {name: metrics, containerPort: {{ index . 1 }}}
{{- end }}
{{- end }}

{{- define "berth.metricsEnv" -}}
{{- if (index . 0).Values.metrics.secure -}}
- {name: BERTH_METRICS_SECURE, value: "true"}
- {name: BERTH_METRICS_PORT, value: {{ index . 1 | quote }}}
{{- if include "berth.metricsSecret" (index . 0) }}
- {name: BERTH_METRICS_CERTIFICATE, value: /etc/berth/metrics/tls.crt}
- {name: BERTH_METRICS_KEY, value: /etc/berth/metrics/tls.key}
{{- end }}
{{- end }}
{{- end }}

{{- define "berth.metricsMount" -}}
{{- if and .Values.metrics.secure (include "berth.metricsSecret" .) -}}
- {name: metrics, mountPath: /etc/berth/metrics, readOnly: true}
{{- end }}
{{- end }}

{{- define "berth.metricsVolume" -}}
{{- if and .Values.metrics.secure (include "berth.metricsSecret" .) -}}
- name: metrics
  secret: {secretName: {{ include "berth.metricsSecret" . }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{/* The port of a Service, by the same name whether it is secure or not. */}}
{{- define "berth.metricsServicePort" -}}
{{- if (index . 0).Values.metrics.secure -}}
- {name: metrics, port: {{ index . 1 }}, targetPort: metrics}
{{- else -}}
- {name: metrics, port: 8080, targetPort: http}
{{- end }}
{{- end }}
