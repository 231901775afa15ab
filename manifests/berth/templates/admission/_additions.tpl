{{/* What others add to Berth's objects (files/additions.yaml), as literals of CEL: a list of the root and whose request it is. */}}
{{- define "berth.additions" -}}
{{- $rows := list -}}
{{- $by := index . 1 -}}
{{- range (index . 0).Files.Get "files/additions.yaml" | fromYamlArray -}}
{{- $row := . -}}
{{- if eq .by $by -}}
{{- range .operations -}}
{{- $rows = printf "'%s %s %s %s'" . $row.resource $row.field $row.key | append $rows -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ join ", " $rows }}
{{- end }}
