using Kube.Nodes.Linux;
using Kube.Types;

namespace Kube.Nodes.Tests;

/// <summary>Hooks, probes over the network, and sidecars, as real processes.</summary>
[Trait("Category", "sandbox")]
public sealed class LifecycleTests(SharedNode shared) : IClassFixture<SharedNode>
{
    private readonly NodeFixture _node = shared.Node;

    [Fact]
    public async Task A_container_counts_as_running_only_after_its_postStart_hook()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: post-start}
            spec:
              restartPolicy: Never
              containers:
              - name: main
                image: x/y
                command: [sh, -c, "until [ -e /tmp/hooked ]; do sleep 0.02; done; echo hooked"]
                lifecycle: {postStart: {exec: {command: [sh, -c, "sleep 0.3; touch /tmp/hooked"]}}}
            """);
        await _node.WaitPhaseAsync("post-start", "Succeeded");
        Assert.Equal("hooked\n", await _node.LogAsync("post-start", "main"));
    }

    [Fact]
    public async Task A_failed_postStart_hook_kills_the_container_and_says_so_without_the_hooks_words()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: post-start-fails}
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: 2
              containers: [{name: main, image: x/y, command: [sleep, "60"], lifecycle: {postStart: {exec: {command: [sh, -c, "echo secret; exit 1"]}}}}]
            """);
        var pod = await _node.WaitPhaseAsync("post-start-fails", "Failed");
        Assert.Equal(143, pod.Items("status", "containerStatuses").Single().Integer("state", "terminated", "exitCode"));
        var events = await _node.SettledEventsAsync("post-start-fails", "FailedPostStartHook");
        Assert.Contains("Warning FailedPostStartHook x1: PostStartHook failed", events, StringComparison.Ordinal);
        Assert.Contains("Normal Killing x1: FailedPostStartHook", events, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", events, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_preStop_hook_runs_before_SIGTERM_and_its_time_is_the_graces()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: pre-stop}
            spec:
              containers:
              - name: main
                image: x/y
                command: [sh, -c, "trap 'cat /tmp/hook; exit 0' TERM; echo up; while :; do sleep 0.02; done"]
                lifecycle: {preStop: {exec: {command: [sh, -c, "sleep 0.2; echo hooked >/tmp/hook"]}}}
            """);
        await _node.WaitLogAsync("pre-stop", "main", "up");
        await _node.WaitPhaseAsync("pre-stop", "Running");
        await using var log = _node.Node.OpenLog("default", "pre-stop", "main", new ContainerLogOptions(Follow: true));
        await _node.DeleteAsync("pre-stop");
        await _node.WaitGoneAsync("pre-stop");
        using var reader = new StreamReader(log);
        Assert.Equal("up\nhooked\n", await reader.ReadToEndAsync(NodeFixture.Cancelled));
    }

    [Fact]
    public async Task Hooks_can_be_requests_and_sleeps()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: hook-kinds}
            spec:
              containers:
              - name: main
                image: x/y
                command: [sh, -c, "mkdir /tmp/www; cd /tmp/www; exec python3 -u -m http.server 8080 2>&1"]
                lifecycle:
                  postStart: {sleep: {seconds: 1}}
                  preStop: {httpGet: {port: http, path: /going}}
                ports: [{name: http, containerPort: 8080}]
            """);
        await _node.WaitPhaseAsync("hook-kinds", "Running");
        // A preStop hook that nobody answers is given up: the server has to be there first.
        await _node.WaitLogAsync("hook-kinds", "main", "Serving HTTP");
        await using var log = _node.Node.OpenLog("default", "hook-kinds", "main", new ContainerLogOptions(Follow: true));
        await _node.DeleteAsync("hook-kinds");
        await _node.WaitGoneAsync("hook-kinds");
        using var reader = new StreamReader(log);
        Assert.Contains("GET /going HTTP/1.1", await reader.ReadToEndAsync(NodeFixture.Cancelled), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Liveness_waits_for_the_startup_probe_and_a_startup_probe_that_fails_restarts()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: startup}
            spec:
              terminationGracePeriodSeconds: 2
              containers:
              - name: slow
                image: x/y
                command: [sh, -c, "sleep 1.5; touch /tmp/up; sleep 60"]
                startupProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 1, failureThreshold: 30}
                livenessProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 1, failureThreshold: 1}
              - name: never
                image: x/y
                command: [sleep, "60"]
                startupProbe: {exec: {command: [sh, -c, "echo not yet; exit 1"]}, periodSeconds: 1, failureThreshold: 2}
            """);
        var pod = await _node.WaitAsync("startup", static p => p.Items("status", "containerStatuses").Any(static c => c.Text("name") == "never" && c.Integer("restartCount") >= 1)
            && p.Items("status", "containerStatuses").Any(static c => c.Text("name") == "slow" && c.Flag("started") == true));
        Assert.Equal(0, pod.Items("status", "containerStatuses").Single(static c => c.Text("name") == "slow").Integer("restartCount"));
        var events = await _node.SettledEventsAsync("startup", "failed startup probe");
        Assert.Contains("Startup probe failed: not yet", events, StringComparison.Ordinal);
        // Once, or by now again.
        Assert.Matches(@"Normal Killing x\d+: Container never failed startup probe, will be restarted", events);
        await _node.DeleteAsync("startup", TimeSpan.Zero);
    }

    [Fact]
    public async Task Probes_over_the_network_follow_redirects_send_headers_take_any_certificate_and_ask_gRPC()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: servers}
            data:
              web.py: |
                import http.server, ssl, subprocess, sys, threading
                class Handler(http.server.BaseHTTPRequestHandler):
                    def do_GET(self):
                        to = {'/redirect': '/ok', '/away': 'http://192.0.2.1/'}.get(self.path)
                        self.send_response(302 if to else 200 if self.headers.get('X-Probe') == 'yes' else 403)
                        if to: self.send_header('Location', to)
                        self.end_headers()
                    def log_message(self, *_): pass
                threading.Thread(target=http.server.ThreadingHTTPServer(('', 8000), Handler).serve_forever).start()
                subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', '/tmp/k', '-out', '/tmp/c', '-subj', '/CN=other', '-days', '1'], check=True)
                secure = http.server.ThreadingHTTPServer(('', 8443), Handler)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain('/tmp/c', '/tmp/k')
                secure.socket = context.wrap_socket(secure.socket, server_side=True)
                secure.serve_forever()
              # A gRPC health server in a few frames of HTTP/2: SETTINGS, then HEADERS, DATA {status: n} and trailers for the first stream.
              health.py: |
                import socket, sys
                def frame(kind, flags, stream, payload=b''): return len(payload).to_bytes(3, 'big') + bytes([kind, flags]) + stream.to_bytes(4, 'big') + payload
                def field(name, value): return b'\x00' + bytes([len(name)]) + name + bytes([len(value)]) + value
                server = socket.create_server(('', int(sys.argv[1])))
                while True:
                    c, _ = server.accept(); f = c.makefile('rb'); f.read(24); c.sendall(frame(4, 0, 0))
                    while True:
                        head = f.read(9)
                        if len(head) < 9: break
                        length, kind, flags, stream = int.from_bytes(head[:3], 'big'), head[3], head[4], int.from_bytes(head[5:], 'big'); f.read(length)
                        if kind == 4 and not flags & 1: c.sendall(frame(4, 1, 0))
                        if kind == 0 and flags & 1:
                            c.sendall(frame(1, 4, stream, b'\x88' + field(b'content-type', b'application/grpc')) + frame(0, 0, stream, b'\0\0\0\0\2\x08' + bytes([int(sys.argv[2])])) + frame(1, 5, stream, field(b'grpc-status', b'0')))
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: probed}
            spec:
              volumes: [{name: code, configMap: {name: servers}}]
              containers:
              - name: headers
                image: x/y
                command: [python3, /code/web.py]
                volumeMounts: [{name: code, mountPath: /code}]
                ports: [{name: web, containerPort: 8000}]
                readinessProbe: {httpGet: {port: web, path: /ok, httpHeaders: [{name: X-Probe, value: "yes"}]}, periodSeconds: 1, timeoutSeconds: 5}
              - name: redirected
                image: x/y
                command: [sleep, "60"]
                readinessProbe: {httpGet: {port: 8000, path: /redirect, httpHeaders: [{name: X-Probe, value: "yes"}]}, periodSeconds: 1, timeoutSeconds: 5}
              - name: away
                image: x/y
                command: [sleep, "60"]
                readinessProbe: {httpGet: {port: 8000, path: /away}, periodSeconds: 1, timeoutSeconds: 5}
              - name: secure
                image: x/y
                command: [sleep, "60"]
                readinessProbe: {httpGet: {port: 8443, scheme: HTTPS, path: /ok, httpHeaders: [{name: X-Probe, value: "yes"}]}, periodSeconds: 1, timeoutSeconds: 5}
              - name: grpc
                image: x/y
                command: [python3, /code/health.py, "9000", "1"]
                volumeMounts: [{name: code, mountPath: /code}]
                readinessProbe: {grpc: {port: 9000}, periodSeconds: 1, timeoutSeconds: 5}
              - name: grpc-sick
                image: x/y
                command: [python3, /code/health.py, "9001", "2"]
                volumeMounts: [{name: code, mountPath: /code}]
                readinessProbe: {grpc: {port: 9001}, periodSeconds: 1, timeoutSeconds: 5}
              - name: forbidden
                image: x/y
                command: [sleep, "60"]
                readinessProbe: {httpGet: {port: 8000, path: /ok}, periodSeconds: 1, timeoutSeconds: 5}
              - name: refused
                image: x/y
                command: [sleep, "60"]
                readinessProbe: {tcpSocket: {port: 1}, periodSeconds: 1, timeoutSeconds: 5}
            """);
        var pod = await _node.WaitAsync("probed", static p => p.Items("status", "containerStatuses").Count(static c => c.Flag("ready") == true) == 5);
        Assert.Equal("containers with unready status: [grpc-sick forbidden refused]", pod.Items("status", "conditions").Single(static c => c.Text("type") == "Ready").Text("message"));
        var address = pod.Text("status", "podIP");
        var events = await _node.SettledEventsAsync("probed", "NOT_SERVING");
        Assert.Contains("Readiness probe failed: HTTP probe failed with statuscode: 403", events, StringComparison.Ordinal);
        Assert.Contains($"Readiness probe failed: dial tcp {address}:1: connect: connection refused", events, StringComparison.Ordinal);
        Assert.Contains("Readiness probe failed: service unhealthy (responded with \"NOT_SERVING\")", events, StringComparison.Ordinal);
        Assert.Contains("Warning ProbeWarning", events, StringComparison.Ordinal);
        await _node.DeleteAsync("probed", TimeSpan.Zero);
    }

    [Fact]
    public async Task A_sidecar_starts_first_serves_the_others_and_does_not_keep_the_pod_from_succeeding()
    {
        await _node.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: sidecar}
            spec:
              restartPolicy: Never
              volumes: [{name: share, emptyDir: {}}]
              initContainers:
              - name: side
                image: x/y
                restartPolicy: Always
                command: [sh, -c, "trap 'echo end >>/share/log; exit 0' TERM; sleep 0.5; echo begin >>/share/log; while :; do sleep 0.02; done"]
                startupProbe: {exec: {command: [test, -e, /share/log]}, periodSeconds: 1}
                volumeMounts: [{name: share, mountPath: /share}]
              - {name: second, image: x/y, command: [cat, /share/log], volumeMounts: [{name: share, mountPath: /share}]}
              containers:
              - {name: main, image: x/y, command: [sh, -c, "cat /share/log; echo main >>/share/log"], volumeMounts: [{name: share, mountPath: /share}]}
            """);
        var pod = await _node.WaitPhaseAsync("sidecar", "Succeeded");
        Assert.Equal("begin\n", await _node.LogAsync("sidecar", "second"));
        Assert.Equal("begin\n", await _node.LogAsync("sidecar", "main"));
        Assert.Equal(0, pod.Items("status", "initContainerStatuses").First().Integer("state", "terminated", "exitCode"));
    }
}
