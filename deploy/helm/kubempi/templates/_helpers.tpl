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

{{- /* A definition, which may outlive the release. */}}
{{- define "kubempi.definition" -}}
{{- $object := .object }}
{{- if .root.Values.crds.keep }}
{{- $object = mergeOverwrite $object (dict "metadata" (dict "annotations" (dict "helm.sh/resource-policy" "keep"))) }}
{{- end }}
{{- include "kubempi.labelled" (dict "root" .root "object" $object) }}
{{- end }}

{{- /* The operator's rights of a file, which has a reason for each; here they get their namespace and scope. */}}
{{- define "kubempi.rights" -}}
{{- $root := .root }}
{{- range $text := regexSplit "(?m)^---$" (.root.Files.Get .file) -1 }}
{{- $object := $text | fromYaml }}
{{- if $root.Values.namespaced }}
{{- $_ := set $object "kind" ($object.kind | trimPrefix "Cluster") }}
{{- end }}
{{- if not (hasPrefix "Cluster" $object.kind) }}
{{- $_ := set $object.metadata "namespace" $root.Release.Namespace }}
{{- end }}
{{- if $object.roleRef }}
{{- if $root.Values.namespaced }}
{{- $_ := set $object.roleRef "kind" "Role" }}
{{- end }}
{{- range $subject := $object.subjects }}
{{- $_ := set $subject "namespace" $root.Release.Namespace }}
{{- end }}
{{- end }}
---
{{ include "kubempi.labelled" (dict "root" $root "object" $object) }}
{{ end }}
{{- end }}

{{- /* The users' roles of a file; they are the whole cluster's. */}}
{{- define "kubempi.userRoles" -}}
{{- if and .root.Values.userRoles.create (not .root.Values.namespaced) }}
{{- $root := .root }}
{{- range $text := regexSplit "(?m)^---$" (.root.Files.Get .file) -1 }}
---
{{ include "kubempi.labelled" (dict "root" $root "object" ($text | fromYaml)) }}
{{ end }}
{{- end }}
{{- end }}

{{- define "kubempi.image" -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end }}
