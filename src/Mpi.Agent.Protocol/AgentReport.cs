using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mpi.Agent.Protocol;

/// <summary>
/// What the agent tells the operator through a container's termination message: one JSON object of at most 4 KiB, one
/// member a role.
/// </summary>
public sealed record AgentReport
{
    public GateReport? Gate { get; init; }

    public LauncherReport? Launcher { get; init; }

    /// <summary>
    /// Reads a termination message; null when it is none of ours (a user's program wrote it, or the kubelet cut it off).
    /// </summary>
    public static AgentReport? TryRead(string? message)
    {
        if (message is null || !message.AsSpan().TrimStart().StartsWith("{", StringComparison.Ordinal)) return null;
        try
        {
            return JsonSerializer.Deserialize(message, AgentReportJson.Default.AgentReport) is ({ Gate: not null } or { Launcher: not null }) and var report ? report : null;
        }
        catch (JsonException)
        {
            // Anybody may write a termination message; what does not parse is not ours.
            return null;
        }
    }

    /// <summary>
    /// The report in at most <see cref="AgentContract.TerminationMessageLimit"/> bytes. When the workers do not all fit,
    /// missing ones go before reachable ones, and slow ones before quick ones: the counts stay exact.
    /// </summary>
    public string ToTerminationMessage()
    {
        if (Launcher is { } launcher) return Serialize(this with { Launcher = launcher with { Lost = launcher.Lost[..Most(launcher.Lost.Length, n => this with { Launcher = launcher with { Lost = launcher.Lost[..n] } })] } });
        if (Gate is not { } gate) return Serialize(this);
        var missing = gate.Missing;
        var workers = gate.Workers.Sort(static (a, b) => b.ReachableMs.CompareTo(a.ReachableMs));
        var missingThatFit = Most(missing.Length, n => With(missing[..n], []));
        var workersThatFit = Most(workers.Length, n => With(missing[..missingThatFit], workers[..n]));
        return Serialize(With(missing[..missingThatFit], workers[..workersThatFit]));

        AgentReport With(ImmutableArray<MissingWorker> some, ImmutableArray<ReachableWorker> others) =>
            this with { Gate = gate with { Missing = some, Workers = others } };
    }

    /// <summary>The largest count, from 0 to <paramref name="all"/>, with which the report still fits.</summary>
    private static int Most(int all, Func<int, AgentReport> with)
    {
        var (fits, tooMany) = (0, all + 1);
        while (tooMany - fits > 1)
        {
            var middle = (fits + tooMany) / 2;
            // The default encoder writes ASCII only, so characters are bytes.
            if (Serialize(with(middle)).Length <= AgentContract.TerminationMessageLimit) fits = middle;
            else tooMany = middle;
        }

        return fits;
    }

    private static string Serialize(AgentReport report) => JsonSerializer.Serialize(report, AgentReportJson.Default.AgentReport);
}

/// <summary>What the launcher's process has to tell of its connections.</summary>
public sealed record LauncherReport
{
    /// <summary>Workers whose connection ended while a program of the launcher's ran on them, the first first: what came after is most often its doing.</summary>
    public ImmutableArray<LostWorker> Lost { get; init => field = Lists.Read(value); } = [];
}

/// <param name="Host">The worker pod's name.</param>
/// <param name="Reason">How the connection ended; for people.</param>
public sealed record LostWorker(string Host, string Reason);

/// <summary>How the wait for the workers ended.</summary>
public sealed record GateReport
{
    public required GateOpening Opened { get; init; }

    /// <summary>Workers that had to be proven, and those that were; exact even where the lists below were cut to fit.</summary>
    public required int Total { get; init; }

    public required int Proven { get; init; }

    public ImmutableArray<MissingWorker> Missing { get; init => field = Lists.Read(value); } = [];
    public ImmutableArray<ReachableWorker> Workers { get; init => field = Lists.Read(value); } = [];
}

/// <summary>A termination message is anybody's to write: a list that is not there is an empty one, and what is null in one is nothing.</summary>
internal static class Lists
{
    public static ImmutableArray<T> Read<T>(ImmutableArray<T> items) where T : class => items.IsDefault ? [] : items.RemoveAll(static item => item is null);
}

[JsonConverter(typeof(JsonStringEnumConverter<GateOpening>))]
public enum GateOpening
{
    /// <summary>Every worker was proven reachable.</summary>
    [JsonStringEnumMemberName("proven")]
    Proven,

    /// <summary>The wait ended with workers missing, and the launcher starts without them (condition <c>GateBypassed</c>).</summary>
    [JsonStringEnumMemberName("timeout")]
    Timeout,
}

/// <param name="Host">The host's first label, which is the worker pod's name.</param>
/// <param name="ReachableMs">Milliseconds from the gate's start to the proof.</param>
public sealed record ReachableWorker(string Host, long ReachableMs);

/// <param name="Host">The host's first label, which is the worker pod's name.</param>
/// <param name="Cause">The class of failure, for programs.</param>
/// <param name="Reason">What the last try ended with, and the remedy where there is a known one; for people.</param>
public sealed record MissingWorker(string Host, UnreachableCause Cause, string Reason);

/// <summary>Why a worker could not be reached.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<UnreachableCause>))]
public enum UnreachableCause
{
    /// <summary>No try has ended yet.</summary>
    NotTried,

    /// <summary>Over the agent: it has not dialled the launcher; its pod does not run yet, or the network keeps it from it.</summary>
    NotDialled,

    /// <summary>Over exec: its container does not run yet.</summary>
    NotRunning,

    /// <summary>Its name does not resolve: the pod does not run yet, or DNS or the Service is wrong.</summary>
    NameUnknown,

    /// <summary>Nothing listens on the port.</summary>
    Refused,

    /// <summary>No answer in time, or no route.</summary>
    Silent,

    /// <summary>The connection was closed before or during the login.</summary>
    Closed,

    /// <summary>sshd does not accept the job's key; over exec: the launcher's account may not run commands in the pod.</summary>
    PermissionDenied,

    /// <summary>The launcher's own ssh refuses to use its private key because of its mode.</summary>
    KeyMode,

    /// <summary>The launcher's ssh does not trust the worker's host key.</summary>
    HostKey,

    /// <summary>The launcher's user id has no entry in its image's passwd file.</summary>
    NoSuchUser,

    /// <summary>Something else; the reason has the last line that was printed.</summary>
    Other,
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AgentReport))]
internal sealed partial class AgentReportJson : JsonSerializerContext;
