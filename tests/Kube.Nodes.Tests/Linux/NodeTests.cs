using System.Text;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Kube.Nodes.Tests;

/// <summary>Pods through the API server, as real processes. One node a test class: each pod has a name of its own.</summary>
[Trait("Category", "sandbox")]
public sealed class NodeTests(SharedNode shared) : IClassFixture<SharedNode>
{
    private readonly NodeFixture _node = shared.Node;

    [Fact]
    public async Task An_init_container_runs_first_then_the_main_one_and_the_pod_succeeds()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: init}
            spec:
              restartPolicy: Never
              volumes: [{name: share, emptyDir: {}}]
              initContainers:
              - {name: first, image: x/y, command: [sh, -c, "echo from-init >/share/f"], volumeMounts: [{name: share, mountPath: /share}]}
              containers:
              - {name: main, image: x/y, command: [cat, /share/f], volumeMounts: [{name: share, mountPath: /share}]}
            """);
        var pod = await _node.WaitPhaseAsync("init", "Succeeded");
        Assert.Equal("from-init\n", await _node.LogAsync("init", "main"));
        var main = Assert.Single(pod.Items("status", "containerStatuses"));
        Assert.Equal("Completed", main.Text("state", "terminated", "reason"));
        Assert.Equal(0, main.Integer("restartCount"));
        await _node.SettledEventsAsync("init", "Normal Started x1: Started container main");
    }

    [Fact]
    public async Task A_failing_init_container_that_may_not_restart_fails_the_pod_and_the_main_one_never_runs()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: init-fails}
            spec:
              restartPolicy: Never
              initContainers: [{name: first, image: x/y, command: [sh, -c, "exit 4"]}]
              containers: [{name: main, image: x/y, command: [echo, never]}]
            """);
        var pod = await _node.WaitPhaseAsync("init-fails", "Failed");
        Assert.Equal(4, pod.Items("status", "initContainerStatuses").Single().Integer("state", "terminated", "exitCode"));
        Assert.Equal("PodInitializing", pod.Items("status", "containerStatuses").Single().Text("state", "waiting", "reason"));
    }

    [Fact]
    public async Task Environment_comes_from_values_fields_maps_and_secrets_and_refers_to_itself()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: env}
            data: {FROM_MAP: "m", other.key: "dotted"}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: env}
            stringData: {password: "it's"}
            data: {plain: cGxhaW4=}
            """);
        var text = await _node.RunAsync("env", "cat /proc/$$$$/environ | tr '\\0' '\\n' | grep -E '^(A|B|C|D|E|F|P|FROM_MAP|other.key|HOME|HOSTNAME)=' | sort", container: """
            envFrom: [{configMapRef: {name: env}}, {secretRef: {name: absent, optional: true}}]
            resources: {limits: {cpu: 1500m}}
            env:
            - {name: A, value: "one"}
            - {name: B, value: "$(A)-$(FROM_MAP)-$$(A)-$(NONE)"}
            - {name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: D, valueFrom: {secretKeyRef: {name: env, key: plain}}}
            - {name: E, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
            - {name: F, valueFrom: {configMapKeyRef: {name: absent, key: x, optional: true}}}
            - {name: P, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}
            """);
        Assert.Equal("A=one\nB=one-m-$(A)-$(NONE)\nC=env\nD=plain\nE=2\nFROM_MAP=m\nHOME=/root\nHOSTNAME=env\nP=10.244.0.1\nother.key=dotted\n", text);
    }

    [Fact]
    public async Task A_missing_ConfigMap_holds_the_container_up_until_it_appears()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: held}
            spec:
              restartPolicy: Never
              containers: [{name: main, image: x/y, command: [sh, -c, "echo $X"], env: [{name: X, valueFrom: {configMapKeyRef: {name: late, key: x}}}]}]
            """);
        var pod = await _node.WaitAsync("held", static p => p.Items("status", "containerStatuses").Any(static c => c.Text("state", "waiting", "reason") == "CreateContainerConfigError"));
        Assert.Equal("configmap \"late\" not found", pod.Items("status", "containerStatuses").Single().Text("state", "waiting", "message"));
        await _node.ApplyAsync("{apiVersion: v1, kind: ConfigMap, metadata: {name: late}, data: {x: here}}");
        await _node.WaitPhaseAsync("held", "Succeeded");
        Assert.Equal("here\n", await _node.LogAsync("held", "main"));
    }

    [Fact]
    public async Task The_last_status_of_a_pod_stays_while_a_finalizer_holds_it()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: kept, finalizers: [example.com/held]}
            spec:
              restartPolicy: OnFailure
              containers: [{name: main, image: x/y, command: [sh, -c, "exit 3"]}]
            """);
        await _node.WaitAsync("kept", static p => p.Items("status", "containerStatuses").Any(static c => c.Text("state", "waiting", "reason") == "CrashLoopBackOff"));
        await _node.DeleteAsync("kept");
        var ended = await _node.WaitPhaseAsync("kept", "Failed");
        Assert.Equal((3, 1), (ended.Items("status", "containerStatuses").Single().Integer("state", "terminated", "exitCode"), ended.Items("status", "containerStatuses").Single().Integer("restartCount")));

        // Whoever changes it meanwhile makes no new pod of it; a pod after it shows that the node has seen the change.
        await _node.Client.PatchAsync(Kinds.Pod, "default", "kept", Patch.Merge(new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["seen"] = "yes" } } }), null, NodeFixture.Cancelled);
        await _node.RunAsync("after-kept", "true");
        Assert.Equal(ended.At("status").ToString(), (await _node.PodAsync("kept")).Root.At("status").ToString());
        await _node.Client.PatchAsync(Kinds.Pod, "default", "kept", Patch.Merge(new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = null } }), null, NodeFixture.Cancelled);
        await _node.WaitGoneAsync("kept");
    }

    [Fact]
    public async Task Volumes_have_their_files_modes_and_sub_paths()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: vol}
            data: {a: "A", b: "B"}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: vol}
            data: {key: c2VjcmV0}
            """);
        var folder = Directory.CreateTempSubdirectory("kube-nodes-host");
        try
        {
            await File.WriteAllTextAsync(Path.Join(folder.FullName, "seen"), "from the machine\n", TestContext.Current.CancellationToken);
            var text = await _node.RunAsync(
                "vol",
                "cat /cm/a /cm/sub/bee /one /down/labels; echo; stat -L -c '%a %u' /sec/key; stat -c %a /cm/sub/bee; cat /sec/key /host/seen; echo written >/host/out; touch /cm/x 2>&1 | grep -o 'Read-only file system'; ls /all; df /dev/shm | grep -c kube; readlink /cm/a",
                $"""
                volumes:
                - name: cm
                  configMap: {"{"}name: vol, defaultMode: 292, items: [{"{"}key: a, path: a{"}"}, {"{"}key: b, path: sub/bee, mode: 256{"}"}]{"}"}
                - {"{"}name: sec, secret: {"{"}secretName: vol, defaultMode: 256{"}}"}
                - {"{"}name: host, hostPath: {"{"}path: {folder.FullName}, type: Directory{"}}"}
                - {"{"}name: down, downwardAPI: {"{"}items: [{"{"}path: labels, fieldRef: {"{"}fieldPath: metadata.name{"}}"}]{"}}"}
                - {"{"}name: all, projected: {"{"}sources: [{"{"}configMap: {"{"}name: vol{"}}"}, {"{"}secret: {"{"}name: vol{"}}"}, {"{"}serviceAccountToken: {"{"}path: token{"}}"}]{"}}"}
                """,
                """
                volumeMounts:
                - {name: cm, mountPath: /cm}
                - {name: cm, mountPath: /one, subPath: a}
                - {name: sec, mountPath: /sec}
                - {name: host, mountPath: /host}
                - {name: down, mountPath: /down}
                - {name: all, mountPath: /all}
                """);
            Assert.Equal("ABAvol\n400 0\n400\nsecretfrom the machine\nRead-only file system\na\nb\nkey\ntoken\n1\n..data/a\n", text);
            Assert.Equal("written\n", await File.ReadAllTextAsync(Path.Join(folder.FullName, "out"), TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_changed_ConfigMap_reaches_the_running_pod_whole()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: live}
            data: {a: old, gone: x}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: live}
            spec:
              restartPolicy: Never
              volumes: [{name: cm, configMap: {name: live}}]
              containers: [{name: main, image: x/y, command: [sh, -c, "cat /cm/a; echo; until [ -e /cm/fresh ]; do sleep 0.05; done; cat /cm/a; ls /cm"], volumeMounts: [{name: cm, mountPath: /cm}]}]
            """);
        await _node.WaitLogAsync("live", "main", "old");
        await _node.Client.PatchAsync(Kinds.ConfigMap, "default", "live", Patch.Merge(new JsonObject { ["data"] = new JsonObject { ["a"] = "new", ["fresh"] = "y", ["gone"] = null } }), null, NodeFixture.Cancelled);
        await _node.WaitPhaseAsync("live", "Succeeded");
        Assert.Equal("old\nnewa\nfresh\n", await _node.LogAsync("live", "main"));
    }

    [Fact]
    public async Task Names_of_pods_and_services_resolve_as_the_search_list_implies_and_unknown_ones_fail_at_once()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec: {clusterIP: 10.96.0.77, ports: [{port: 80}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: peer}
            spec: {hostname: peer-0, subdomain: mesh, containers: [{name: main, image: x/y, command: [sleep, "60"]}]}
            """);
        var peer = await _node.WaitPhaseAsync("peer", "Running");
        var address = peer.Text("status", "podIP");
        var text = await _node.RunAsync(
            "names",
            "for n in peer-0.mesh.default.svc.cluster.local peer-0.mesh.default.svc peer-0.mesh.default peer-0.mesh peer-0 web web.default web.default.svc; do getent hosts $n | cut -d' ' -f1; done; hostname; s=$(date +%s%N); getent hosts nobody.knows || echo unknown; echo $(( ($(date +%s%N) - s) / 1000000 < 1000 ))",
            "dnsConfig: {searches: [mesh.default.svc.cluster.local]}");
        Assert.Equal($"{address}\n{address}\n{address}\n{address}\n{address}\n10.96.0.77\n10.96.0.77\n10.96.0.77\nnames\nunknown\n1\n", text);

        await _node.DeleteAsync("peer", TimeSpan.Zero);
        await _node.WaitGoneAsync("peer");
    }

    [Fact]
    public async Task A_ClusterIP_leads_to_the_pods_behind_it()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: backend}
            spec: {containers: [{name: main, image: x/y, command: [python3, -m, http.server, "8000", --directory, /etc/ssh]}]}
            """);
        var address = (await _node.WaitPhaseAsync("backend", "Running")).Text("status", "podIP");
        await _node.ApplyAsync($"""
            apiVersion: v1
            kind: Service
            metadata: {"{"}name: served{"}"}
            spec: {"{"}clusterIP: 10.96.1.1, ports: [{"{"}port: 8000{"}"}]{"}"}
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {"{"}name: served-1, labels: {"{"}kubernetes.io/service-name: served{"}}"}
            addressType: IPv4
            endpoints: [{"{"}addresses: ["{address}"], conditions: {"{"}ready: true{"}}"}]
            ports: [{"{"}port: 8000{"}"}]
            """);
        var text = await _node.RunAsync("client", "for i in $(seq 100); do bash -c 'exec 3<>/dev/tcp/served/8000 && printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3 && head -1 <&3' 2>/dev/null && exit; sleep 0.1; done");
        Assert.Contains("200 OK", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Service_whose_port_is_not_its_target_is_forwarded_to_each_backend_in_turn()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: turn-0}
            spec: {containers: [{name: main, image: x/y, command: [sh, -c, "mkdir /tmp/w; hostname >/tmp/w/who; exec python3 -m http.server 8000 --directory /tmp/w"]}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: turn-1}
            spec: {containers: [{name: main, image: x/y, command: [sh, -c, "mkdir /tmp/w; hostname >/tmp/w/who; exec python3 -m http.server 8000 --directory /tmp/w"]}]}
            """);
        var addresses = new List<string?>();
        foreach (var name in (string[])["turn-0", "turn-1"]) addresses.Add((await _node.WaitPhaseAsync(name, "Running")).Text("status", "podIP"));
        await _node.ApplyAsync($"""
            apiVersion: v1
            kind: Service
            metadata: {"{"}name: turns{"}"}
            spec: {"{"}clusterIP: 10.96.1.2, ports: [{"{"}port: 80, targetPort: 8000{"}"}]{"}"}
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {"{"}name: turns-1, labels: {"{"}kubernetes.io/service-name: turns{"}}"}
            addressType: IPv4
            endpoints: [{"{"}addresses: ["{addresses[0]}"]{"}"}, {"{"}addresses: ["{addresses[1]}"]{"}"}]
            ports: [{"{"}port: 8000{"}"}]
            """);
        // Two that follow each other are answered by both: only then both listen.
        var text = await _node.RunAsync("caller", "for i in $(seq 300); do [ $(for j in 1 2; do curl -sS http://turns/who 2>/dev/null; done | sort -u | wc -l) = 2 ] && break; sleep 0.1; done; for i in 1 2 3 4; do curl -sS http://turns/who; done | sort | uniq -c | tr -s ' '");
        Assert.Equal(" 2 turn-0\n 2 turn-1\n", text);
        await _node.DeleteAsync("turn-0", TimeSpan.Zero);
        await _node.DeleteAsync("turn-1", TimeSpan.Zero);
    }

    [Fact]
    public async Task A_claims_folder_outlives_pods_but_not_the_claim()
    {
        await _node.ApplyAsync("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}");
        const string Volumes = "volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]";
        const string Mounts = "volumeMounts: [{name: v, mountPath: /v}]";
        await _node.RunAsync("claim-1", "echo kept >/v/f", Volumes, Mounts);
        Assert.Equal("kept\n", await _node.RunAsync("claim-2", "cat /v/f", Volumes, Mounts));
        // The controller that would, is not here.
        await _node.Client.PatchAsync(Kinds.PersistentVolumeClaim, "default", "data", Patch.Merge(new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray() } }), null, NodeFixture.Cancelled);
        await _node.Client.DeleteAsync(Kinds.PersistentVolumeClaim, "default", "data", new DeleteOptions(), NodeFixture.Cancelled);
        await _node.RunAsync("claim-pause", "sleep 0.5");
        Assert.Equal("0\n", await _node.RunAsync("claim-3", "ls /v | wc -l", Volumes, Mounts));
    }

    [Fact]
    public async Task An_emptyDir_with_a_limit_is_full_at_its_limit_and_leads_nobody_out_by_a_link()
    {
        var text = await _node.RunAsync(
            "limited",
            "head -c 3000000 /dev/zero >/small/f; stat -c %s /small/f; ls /sub",
            "volumes: [{name: small, emptyDir: {medium: Memory, sizeLimit: 1Mi}}, {name: any, emptyDir: {}}]",
            "volumeMounts: [{name: small, mountPath: /small}, {name: any, mountPath: /sub, subPathExpr: $(NAME)/x}]\nenv: [{name: NAME, value: deep}]");
        Assert.Contains("No space left on device", text, StringComparison.Ordinal);
        Assert.Contains("1048576\n", text, StringComparison.Ordinal);
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: leads-out}
            spec:
              restartPolicy: Never
              volumes: [{name: v, emptyDir: {}}]
              initContainers: [{name: linker, image: x/y, command: [ln, -s, /etc, /v/out], volumeMounts: [{name: v, mountPath: /v}]}]
              containers: [{name: main, image: x/y, command: [ls, /x], volumeMounts: [{name: v, mountPath: /x, subPath: out}]}]
            """);
        var pod = await _node.WaitAsync("leads-out", static p => p.Items("status", "containerStatuses").Any(static c => c.Text("state", "waiting", "reason") == "CreateContainerConfigError"));
        Assert.Contains("is not within the volume", pod.Items("status", "containerStatuses").Single().Text("state", "waiting", "message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_container_is_restarted_at_once_and_then_backs_off()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: crash}
            spec: {restartPolicy: OnFailure, containers: [{name: main, image: x/y, command: [sh, -c, "echo run; exit 7"]}]}
            """);
        var pod = await _node.WaitAsync("crash", static p => p.Items("status", "containerStatuses").Any(static c => c.Text("state", "waiting", "reason") == "CrashLoopBackOff"));
        var status = pod.Items("status", "containerStatuses").Single();
        Assert.Equal(1, status.Integer("restartCount"));
        Assert.Equal(7, status.Integer("lastState", "terminated", "exitCode"));
        Assert.Equal("Error", status.Text("lastState", "terminated", "reason"));
        Assert.StartsWith("back-off 10s restarting failed container=main pod=crash_default(", status.Text("state", "waiting", "message"), StringComparison.Ordinal);
        Assert.Equal("Running", pod.Text("status", "phase"));
        Assert.Equal("run\n", await _node.LogAsync("crash", "main", new ContainerLogOptions(Previous: true)));
    }

    [Fact]
    public async Task A_command_that_does_not_exist_is_a_start_error_with_the_runtimes_words()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: nocmd}
            spec: {restartPolicy: Never, containers: [{name: main, image: x/y, command: [mpirum]}]}
            """);
        var end = (await _node.WaitPhaseAsync("nocmd", "Failed")).Items("status", "containerStatuses").Single().At("state", "terminated");
        Assert.Equal((128, "StartError", "exec: \"mpirum\": executable file not found in $PATH"), (end.Integer("exitCode"), end.Text("reason"), end.Text("message")));
    }

    [Fact]
    public async Task A_deleted_pod_gets_SIGTERM_and_its_grace_and_SIGKILL_when_it_does_not_go()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: polite}
            spec: {containers: [{name: main, image: x/y, command: [sh, -c, "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"]}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: deaf}
            spec: {containers: [{name: main, image: x/y, command: [sh, -c, "trap '' TERM; echo up; while :; do sleep 0.05; done"]}]}
            """);
        await _node.WaitPhaseAsync("polite", "Running");
        await _node.WaitPhaseAsync("deaf", "Running");
        // A container runs before its program has said how it takes signals.
        using var polite = new StreamReader(_node.Node.OpenLog("default", "polite", "main", new ContainerLogOptions(Follow: true)));
        using var deaf = new StreamReader(_node.Node.OpenLog("default", "deaf", "main", new ContainerLogOptions(Follow: true)));
        foreach (var log in (StreamReader[])[polite, deaf]) Assert.Equal("up", await log.ReadLineAsync(NodeFixture.Cancelled));

        await _node.DeleteAsync("polite");
        await _node.WaitGoneAsync("polite");
        Assert.Equal("", await polite.ReadToEndAsync(NodeFixture.Cancelled));

        var begin = TimeProvider.System.GetTimestamp();
        await _node.DeleteAsync("deaf", TimeSpan.FromSeconds(1));
        await _node.WaitGoneAsync("deaf");
        Assert.InRange(TimeProvider.System.GetElapsedTime(begin), TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(20));
        await _node.SettledEventsAsync("deaf", "Stopping container main");
    }

    [Fact]
    public async Task A_killed_process_shows_137_and_its_last_words_when_the_policy_asks_for_them()
    {
        await _node.RunAsync("killed", "echo last words; kill -9 $$$$", container: "terminationMessagePolicy: FallbackToLogsOnError");
        var end = (await _node.PodAsync("killed")).Root.Items("status", "containerStatuses").Single().At("state", "terminated");
        Assert.Equal((137, "Error", "last words\n"), (end.Integer("exitCode"), end.Text("reason"), end.Text("message")));
    }

    [Fact]
    public async Task A_termination_message_is_read_from_its_path()
    {
        await _node.RunAsync("message", "echo -n done >/tmp/end", container: "terminationMessagePath: /tmp/end");
        Assert.Equal("done", (await _node.PodAsync("message")).Root.Items("status", "containerStatuses").Single().Text("state", "terminated", "message"));
    }

    [Fact]
    public async Task Readiness_follows_its_probe_over_tcp_http_and_exec()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: ready}
            spec:
              containers:
              - name: tcp
                image: x/y
                command: [sh, -c, "sleep 0.5; exec python3 -m http.server 8000 --directory /etc/ssh"]
                readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1}
              - name: http
                image: x/y
                command: [sleep, "60"]
                readinessProbe: {httpGet: {port: 8000, path: /}, periodSeconds: 1}
              - name: exec
                image: x/y
                command: [sh, -c, "sleep 0.3; touch /tmp/ok; sleep 60"]
                readinessProbe: {exec: {command: [test, -e, /tmp/ok]}, periodSeconds: 1}
              - name: never
                image: x/y
                command: [sleep, "60"]
                readinessProbe: {httpGet: {port: 8000, path: /absent}, periodSeconds: 1}
            """);
        var pod = await _node.WaitAsync("ready", static p => p.Items("status", "containerStatuses").Count(static c => c.Flag("ready") == true) == 3);
        Assert.Equal("containers with unready status: [never]", pod.Items("status", "conditions").Single(static c => c.Text("type") == "Ready").Text("message"));
        await _node.WaitAsync("ready", _ => _node.EventsAsync("ready").Result.Contains("Readiness probe failed: HTTP probe failed with statuscode: 404", StringComparison.Ordinal));
        await _node.DeleteAsync("ready", TimeSpan.Zero);
    }

    [Fact]
    public async Task A_container_that_fails_its_liveness_probe_is_restarted()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: live-probe}
            spec:
              terminationGracePeriodSeconds: 1
              containers: [{name: main, image: x/y, command: [sleep, "60"], livenessProbe: {exec: {command: ["false"]}, periodSeconds: 1, failureThreshold: 1}}]
            """);
        var pod = await _node.WaitAsync("live-probe", static p => p.Items("status", "containerStatuses").Any(static c => c.Integer("restartCount") >= 1));
        Assert.Equal(143, pod.Items("status", "containerStatuses").Single().Integer("lastState", "terminated", "exitCode"));
        await _node.SettledEventsAsync("live-probe", "Container main failed liveness probe, will be restarted");
        await _node.DeleteAsync("live-probe", TimeSpan.Zero);
    }

    [Fact]
    public async Task A_program_that_the_image_needs_and_this_machine_lacks_is_reported_with_its_remedy()
    {
        var images = Directory.CreateTempSubdirectory("kube-nodes-images");
        try
        {
            Directory.CreateDirectory(Path.Join(images.FullName, "needs", "more"));
            await File.WriteAllTextAsync(Path.Join(images.FullName, "needs", "more", "image.yaml"), "programs: [{path: no-such-program, package: no-such-package}]\n", TestContext.Current.CancellationToken);
            await using var node = await NodeFixture.StartAsync(o => o with { ImageSearchPath = [images.FullName] });
            await node.ApplyAsync("{apiVersion: v1, kind: Pod, metadata: {name: lacking}, spec: {containers: [{name: main, image: 'needs/more:v1'}]}}");
            var pod = await node.WaitAsync("lacking", static p => p.Items("status", "containerStatuses").Any(static c => c.Text("state", "waiting", "reason") == "ErrImagePull"));
            Assert.Equal("image needs/more:v1: no-such-program is missing; install it: apt-get install no-such-package", pod.Items("status", "containerStatuses").Single().Text("state", "waiting", "message"));
        }
        finally
        {
            images.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Processes_of_a_pod_are_found_with_the_variables_that_were_asked_for()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: processes}
            spec: {containers: [{name: main, image: x/y, command: [sh, -c, "RANK=3 sleep 61 & RANK=4 sleep 62 & wait"]}]}
            """);
        var uid = (await _node.WaitPhaseAsync("processes", "Running")).Text("metadata", "uid")!;
        await _node.WaitAsync("processes", _ => _node.Node.Processes(uid, ["RANK"]).Count(static p => p.Environment.ContainsKey("RANK") && p.Command[0] == "sleep") == 2);
        var ranks = _node.Node.Processes(uid, ["RANK"]).Where(static p => p.Environment.ContainsKey("RANK")).Select(static p => p.Environment["RANK"]).Order();
        Assert.Equal(["3", "4"], ranks);
        await _node.DeleteAsync("processes", TimeSpan.Zero);
        await _node.WaitGoneAsync("processes");
        await NodeFixture.UntilAsync(() => _node.Node.Processes(uid, ["RANK"]).Count == 0);
    }

    [Fact]
    public async Task A_deadline_fails_the_pod()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: deadline}
            spec: {activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 1, containers: [{name: main, image: x/y, command: [sleep, "60"]}]}
            """);
        Assert.Equal("DeadlineExceeded", (await _node.WaitPhaseAsync("deadline", "Failed")).Text("status", "reason"));
    }

    [Fact]
    public async Task A_log_can_be_followed_cut_and_stamped()
    {
        await _node.RunAsync("log", "echo one; echo two; echo three; printf four");
        Assert.Equal("one\ntwo\nthree\nfour", await _node.LogAsync("log", "main", new ContainerLogOptions(Follow: true)));
        Assert.Equal("three\nfour", await _node.LogAsync("log", "main", new ContainerLogOptions(TailLines: 2)));
        Assert.Equal("one", await _node.LogAsync("log", "main", new ContainerLogOptions(LimitBytes: 3)));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one\n", await _node.LogAsync("log", "main", new ContainerLogOptions(Timestamps: true)));
        Assert.Equal("", await _node.LogAsync("log", "main", new ContainerLogOptions(Since: TimeProvider.System.GetUtcNow().AddMinutes(1))));
    }
}
