# pods-run.sh SELECTOR: what a kubelet says of pods that run and are ready.
n=1
for pod in $(kubectl get pods -l "$1" --field-selector status.phase=Pending --sort-by=.metadata.name -o name); do
  containers=$(kubectl get "$pod" -o 'jsonpath={range .spec.containers[*]}{"{\"name\":\""}{.name}{"\",\"image\":\""}{.image}{"\",\"imageID\":\"\",\"ready\":true,\"started\":true,\"restartCount\":0,\"state\":{\"running\":{\"startedAt\":\"2026-01-01T00:00:00Z\"}}},"}{end}')
  kubectl patch "$pod" --subresource=status -p '{"status":{"phase":"Running","startTime":"2026-01-01T00:00:00Z","podIP":"10.0.0.'$n'","podIPs":[{"ip":"10.0.0.'$n'"}],"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}],"containerStatuses":['"${containers%,}"']}}' >/dev/null
  n=$((n + 1))
done
