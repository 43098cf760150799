using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <param name="Output">For the Unhealthy event.</param>
internal sealed record ProbeResult(bool Success, string Output);

/// <summary>
/// Runs one probe. Those over the network are run by bash inside the pod's network, which this process cannot reach: bash can open
/// TCP connections itself and is on every machine that this runs on.
/// </summary>
internal static class Probing
{
    private const int OutputShown = 1024;

    public static async Task<ProbeResult> RunAsync(ProbeSpec probe, ContainerView container, RunningContainer running, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            var action = probe.Action;
            if (action.Has("exec"))
            {
                var command = action.Items("exec", "command").Select(static w => w.ValueKind == JsonValueKind.String ? w.GetString()! : w.GetRawText()).ToList();
                return From(await running.ExecAsync(command, probe.Timeout, time, cancellation), probe);
            }

            if (action.Has("tcpSocket"))
            {
                var (host, port) = Target(action.At("tcpSocket"), container, running);
                return From(await InPodAsync($"exec 3<>/dev/tcp/{host}/{port}"), probe);
            }

            if (action.Has("httpGet")) return await HttpAsync(action.At("httpGet"));
            return new ProbeResult(false, "probes of this type are not available on this machine; use exec, tcpSocket or httpGet");
        }
        catch (FormatException unusable)
        {
            return new ProbeResult(false, unusable.Message);
        }
        catch (OperationCanceledException)
        {
            return new ProbeResult(false, "the node stops");
        }

        async Task<ProbeResult> HttpAsync(JsonElement get)
        {
            var (host, port) = Target(get, container, running);
            var path = get.Text("path") is { Length: > 0 } given ? given : "/";
            if ((get.Text("scheme") ?? "HTTP") == "HTTPS")
            {
                // Any certificate is taken, as the kubelet does.
                return From(await InPodWordsAsync(["curl", "--insecure", "--silent", "--show-error", "--output", "/dev/null", "--fail", $"https://{host}:{port}{path}"]), probe);
            }

            var headers = string.Concat(get.Items("httpHeaders").Where(static h => !string.Equals(h.Text("name"), "Host", StringComparison.OrdinalIgnoreCase)).Select(static h => $"{h.Text("name")}: {h.Text("value")}\r\n"));
            var hostHeader = get.Items("httpHeaders").FirstOrDefault(static h => string.Equals(h.Text("name"), "Host", StringComparison.OrdinalIgnoreCase)).Text("value") ?? $"{host}:{port}";
            var request = $"GET {path} HTTP/1.1\r\nHost: {hostHeader}\r\nUser-Agent: kube-probe/1.34\r\nAccept: */*\r\n{headers}Connection: close\r\n\r\n";
            var result = await InPodAsync($"exec 3<>/dev/tcp/{host}/{port} && printf %s {ShellWord.Quote(request)} >&3 && read -r version code rest <&3 && echo \"HTTP probe failed with statuscode: $code\" && [ \"$code\" -ge 200 ] && [ \"$code\" -lt 400 ]");
            return From(result, probe);
        }

        Task<ToolResult> InPodAsync(string script) => InPodWordsAsync(["bash", "-c", script]);

        Task<ToolResult> InPodWordsAsync(IEnumerable<string> words) => Tool.RunAsync([.. running.Pod.Enter(), .. words], probe.Timeout, time, cancellation);
    }

    /// <summary>Counts a result towards the thresholds (<c>prober.worker</c>): the outcome turns only after enough of the same in a row.</summary>
    public static ProbeState Count(ProbeState state, ProbeSpec probe, bool success)
    {
        var counted = state with { InFlight = false, Successes = success ? state.Successes + 1 : 0, Failures = success ? 0 : state.Failures + 1 };
        if (success && counted.Successes >= probe.SuccessThreshold) return counted with { Result = true };
        return !success && counted.Failures >= probe.FailureThreshold ? counted with { Result = false } : counted;
    }

    private static ProbeResult From(ToolResult result, ProbeSpec probe)
    {
        var output = result.ExitCode == 124 ? string.Create(CultureInfo.InvariantCulture, $"command timed out after {probe.Timeout.TotalSeconds}s") : result.Output.Trim();
        return new ProbeResult(result.ExitCode == 0, output.Length <= OutputShown ? output : output[..OutputShown]);
    }

    private static (string Host, long Port) Target(JsonElement action, ContainerView container, RunningContainer running)
    {
        var port = action.At("port");
        long? number = port.ValueKind switch
        {
            JsonValueKind.Number => port.GetInt64(),
            JsonValueKind.String when long.TryParse(port.GetString(), CultureInfo.InvariantCulture, out var parsed) => parsed,
            JsonValueKind.String => container.Spec.Items("ports").FirstOrDefault(p => p.Text("name") == port.GetString()).Integer("containerPort"),
            _ => null,
        };
        if (number is not (> 0 and < 65536)) throw new FormatException($"couldn't find port: {(port.ValueKind == JsonValueKind.Undefined ? "none given" : port.GetRawText())}");
        return (action.Text("host") is { Length: > 0 } host ? host : running.Pod.Address.ToString(), number.Value);
    }
}
