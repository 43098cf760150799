{{- define "kubempi.selector" -}}
app: mpi-operator
app.kubernetes.io/component: mpijob
app.kubernetes.io/name: mpi-operator
kustomize.component: mpi-operator
{{- end }}

{{- define "kubempi.labels" -}}
{{ include "kubempi.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* An object of the files that kustomize reads too, with the labels of this release. */}}
{{- define "kubempi.labelled" -}}
{{- $labels := include "kubempi.labels" .root | fromYaml }}
{{- toYaml (mergeOverwrite (deepCopy .object) (dict "metadata" (dict "labels" $labels))) }}
{{- end }}

{{- define "kubempi.image" -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end }}
