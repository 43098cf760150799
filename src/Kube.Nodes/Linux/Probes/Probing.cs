using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>What came of one probe.</summary>
/// <param name="Output">For the event.</param>
/// <param name="Warning">What people should know of a probe that succeeded.</param>
internal sealed record ProbeResult(ProbeOutcome Outcome, string Output, string? Warning = null);

internal enum ProbeOutcome
{
    Success,
    Failure,

    /// <summary>The probe itself could not be made: it says nothing about the container and counts for nothing.</summary>
    Error,
}

/// <summary>Runs one probe and counts its outcome (<c>k8s.io/kubernetes/pkg/kubelet/prober</c>).</summary>
internal static class Probing
{
    private const int OutputShown = 1024;
    private const int RedirectsAtMost = 10;

    public static async Task<ProbeResult> RunAsync(ProbeSpec probe, ContainerView container, RunningContainer running, NodeContext node, CancellationToken cancellation)
    {
        using var late = new CancellationTokenSource(probe.Timeout, node.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        var (action, address) = (probe.Action, running.Pod.Address);
        try
        {
            if (action.Has("exec")) return Command(await running.ExecAsync(action.Words("exec", "command"), probe.Timeout, node.Time, cancellation), action.Words("exec", "command"), probe);
            if (action.Has("httpGet")) return await GetAsync(HttpTarget.Read(action.At("httpGet"), container, address), node.Probes, either.Token);
            if (action.Has("tcpSocket")) return await TouchAsync(HttpTarget.Host(action.At("tcpSocket"), address), HttpTarget.Port(action.At("tcpSocket", "port"), container), node.Probes, either.Token);
            if (action.Has("grpc")) return await AskHealthAsync(new IPEndPoint(address, HttpTarget.Port(action.At("grpc", "port"), container)), action.Text("grpc", "service") ?? "", node.Probes, either.Token);
            return new ProbeResult(ProbeOutcome.Error, $"missing probe handler for {container.Name}");
        }
        catch (Exception unusable) when (unusable is FormatException or SandboxException)
        {
            return new ProbeResult(ProbeOutcome.Error, unusable.Message);
        }
        catch (HttpRequestException unanswered)
        {
            return new ProbeResult(ProbeOutcome.Failure, unanswered.Message);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            return new ProbeResult(ProbeOutcome.Failure, Late(action, container, address, probe));
        }
        catch (OperationCanceledException)
        {
            return new ProbeResult(ProbeOutcome.Error, "the container is stopped");
        }
    }

    /// <summary>Counts a result towards the thresholds (<c>prober.worker</c>): the outcome turns only after enough of the same in a row.</summary>
    public static ProbeState Count(ProbeState state, ProbeSpec probe, ProbeOutcome outcome)
    {
        if (outcome == ProbeOutcome.Error) return state with { InFlight = false };
        var success = outcome == ProbeOutcome.Success;
        var counted = state with { InFlight = false, Successes = success ? state.Successes + 1 : 0, Failures = success ? 0 : state.Failures + 1 };
        if (success && counted.Successes >= probe.SuccessThreshold) return counted with { Result = true };
        return !success && counted.Failures >= probe.FailureThreshold ? counted with { Result = false } : counted;
    }

    private static ProbeResult Command(ToolResult result, IEnumerable<string> command, ProbeSpec probe)
    {
        if (result.TimedOut) return new ProbeResult(ProbeOutcome.Failure, string.Create(CultureInfo.InvariantCulture, $"command timed out: \"{string.Join(' ', command)}\" timed out after {probe.Timeout.TotalSeconds}s"));
        var output = result.Output.Trim();
        return new ProbeResult(result.ExitCode == 0 ? ProbeOutcome.Success : ProbeOutcome.Failure, output.Length <= OutputShown ? output : output[..OutputShown]);
    }

    private static async Task<ProbeResult> GetAsync(HttpTarget target, ProbeClient client, CancellationToken cancellation)
    {
        var first = target.Url;
        for (var redirects = 0; ; redirects++)
        {
            using var answer = await client.GetAsync(target, cancellation);
            var code = (int)answer.StatusCode;
            if (code is not (301 or 302 or 303 or 307 or 308) || answer.Headers.Location is not { } location)
            {
                return code is >= 200 and < 400 ? new ProbeResult(ProbeOutcome.Success, "") : new ProbeResult(ProbeOutcome.Failure, string.Create(CultureInfo.InvariantCulture, $"HTTP probe failed with statuscode: {code}"));
            }

            var next = new Uri(target.Url, location);
            // Elsewhere is not the container's affair any more: it answered, and that is what was asked.
            if (next.Host != first.Host) return new ProbeResult(ProbeOutcome.Success, "", "Probe terminated redirects");
            if (redirects == RedirectsAtMost) return new ProbeResult(ProbeOutcome.Failure, $"Get \"{first.OriginalString}\": stopped after {RedirectsAtMost} redirects");
            target = target with { Url = next };
        }
    }

    private static async Task<ProbeResult> TouchAsync(string host, int port, ProbeClient client, CancellationToken cancellation)
    {
        await client.TouchAsync(host, port, cancellation);
        return new ProbeResult(ProbeOutcome.Success, "");
    }

    /// <summary>The gRPC health protocol: <c>HealthCheckRequest {string service = 1}</c>, <c>HealthCheckResponse {ServingStatus status = 1}</c>.</summary>
    private static async Task<ProbeResult> AskHealthAsync(IPEndPoint to, string service, ProbeClient client, CancellationToken cancellation)
    {
        const int Unimplemented = 12;
        var name = Encoding.UTF8.GetBytes(service);
        // One field of one-byte length: names are DNS labels, and the API server holds them to it.
        byte[] question = name.Length is 0 or > 127 ? [] : [0x0A, (byte)name.Length, .. name];
        var (status, message, answer) = await client.CallAsync(to, "grpc.health.v1.Health/Check", question, cancellation);
        if (status == Unimplemented) return new ProbeResult(ProbeOutcome.Failure, $"error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {message}");
        if (status != 0) return new ProbeResult(ProbeOutcome.Failure, $"error: health rpc probe failed: rpc error: code = {status} desc = {message}");
        var serving = answer.Length >= 2 && answer.Span[0] == 0x08 ? answer.Span[1] : 0;
        var word = serving switch { 1 => "SERVING", 2 => "NOT_SERVING", 3 => "SERVICE_UNKNOWN", _ => "UNKNOWN" };
        return serving == 1 ? new ProbeResult(ProbeOutcome.Success, "") : new ProbeResult(ProbeOutcome.Failure, $"service unhealthy (responded with \"{word}\")");
    }

    private static string Late(JsonElement action, ContainerView container, IPAddress address, ProbeSpec probe)
    {
        if (action.Has("httpGet")) return $"Get \"{HttpTarget.Read(action.At("httpGet"), container, address).Url.OriginalString}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
        if (action.Has("tcpSocket")) return string.Create(CultureInfo.InvariantCulture, $"dial tcp {HttpTarget.Host(action.At("tcpSocket"), address)}:{HttpTarget.Port(action.At("tcpSocket", "port"), container)}: i/o timeout");
        return string.Create(CultureInfo.InvariantCulture, $"timeout: no answer within {probe.Timeout.TotalSeconds}s: context deadline exceeded");
    }
}
