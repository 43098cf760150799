# pods-end.sh SELECTOR PHASE CODE: says what a kubelet would of pods whose one container ended.
for pod in $(kubectl get pods -l "$1" --field-selector status.phase!=Succeeded,status.phase!=Failed -o name); do
  container=$(kubectl get "$pod" -o 'jsonpath={.spec.containers[0].name}')
  kubectl patch "$pod" --subresource=status -p '{"status":{"phase":"'"$2"'","startTime":"2026-01-01T00:00:00Z","conditions":[{"type":"Ready","status":"False","reason":"PodCompleted"}],"containerStatuses":[{"name":"'"$container"'","image":"i","imageID":"","ready":false,"restartCount":0,"state":{"terminated":{"exitCode":'"$3"',"reason":"'"$([ "$3" = 0 ] && echo Completed || echo Error)"'","startedAt":"2026-01-01T00:00:01Z","finishedAt":"2026-01-01T00:00:09Z"}}}]}}' >/dev/null
done
