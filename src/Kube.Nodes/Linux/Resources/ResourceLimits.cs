using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>What a container, or a pod's containers together, may use, as far as the kernel can hold them to that. Pure.</summary>
/// <param name="MemoryBytes"><c>limits.memory</c>.</param>
/// <param name="CpuLimit"><c>limits.cpu</c>, in thousandths of a CPU.</param>
/// <param name="CpuRequest"><c>requests.cpu</c>, in thousandths: its share where CPUs are short.</param>
/// <param name="Pids">Processes and threads.</param>
internal sealed record ResourceLimits(long? MemoryBytes, long? CpuLimit, long? CpuRequest, long? Pids = null)
{
    private const long PeriodMicroseconds = 100_000;
    private const long LeastQuotaMicroseconds = 1_000;
    private const long LeastShares = 2;
    private const long MostShares = 262_144;

    public bool IsEmpty => this is { MemoryBytes: null, CpuLimit: null, CpuRequest: null, Pids: null };

    /// <summary>Whether somebody would miss it if nobody held the container to it; a share alone is only a hint.</summary>
    public bool HasLimit => MemoryBytes is not null || CpuLimit is not null;

    public static ResourceLimits Of(ContainerView container) => Read(container.Spec.At("resources"));

    /// <summary>What the pod's containers share: <c>spec.resources</c>, and the node's limit of processes.</summary>
    public static ResourceLimits Of(PodSpecView pod, long? pids) => Read(pod.Spec.At("resources")) with { Pids = pids };

    private static ResourceLimits Read(JsonElement resources)
    {
        var (limits, requests) = (resources.At("limits"), resources.At("requests"));
        return new ResourceLimits(Units(limits.At("memory")) / 1000, Units(limits.At("cpu")), Units(requests.At("cpu")) ?? Units(limits.At("cpu")));

        static long? Units(JsonElement amount) => Quantity.Read(amount) is { IsZero: false } quantity ? quantity.MilliUnits : null;
    }

    /// <summary>The files of version 1, each in its controller's tree, in the order in which they can be written.</summary>
    public IEnumerable<(string Controller, string File, string Value)> Version1()
    {
        if (MemoryBytes is { } memory)
        {
            yield return ("memory", "memory.limit_in_bytes", Text(memory));
            // Without swap, as the kubelet's default has it; a kernel that does not count swap has no such file.
            yield return ("memory", "memory.memsw.limit_in_bytes", Text(memory));
        }

        if (Pids is { } pids) yield return ("pids", "pids.max", Text(pids));
        if (CpuRequest is { } request) yield return ("cpu", "cpu.shares", Text(Shares(request)));
        if (CpuLimit is not { } limit) yield break;
        yield return ("cpu", "cpu.cfs_period_us", Text(PeriodMicroseconds));
        yield return ("cpu", "cpu.cfs_quota_us", Text(Quota(limit)));
    }

    /// <summary>The files of version 2, all in one folder.</summary>
    public IEnumerable<(string File, string Value)> Version2()
    {
        if (MemoryBytes is { } memory)
        {
            yield return ("memory.max", Text(memory));
            yield return ("memory.swap.max", "0");
            // The container ends as one, rather than going on without the process that the kernel picked.
            yield return ("memory.oom.group", "1");
        }

        if (Pids is { } pids) yield return ("pids.max", Text(pids));
        // From 2..262144 shares to 1..10000 of weight, as the kubelet converts.
        if (CpuRequest is { } request) yield return ("cpu.weight", Text(1 + ((Shares(request) - LeastShares) * 9999 / (MostShares - LeastShares))));
        if (CpuLimit is { } limit) yield return ("cpu.max", $"{Text(Quota(limit))} {Text(PeriodMicroseconds)}");
    }

    private static long Quota(long millis) => Math.Max(LeastQuotaMicroseconds, millis * PeriodMicroseconds / 1000);

    private static long Shares(long millis) => Math.Clamp(millis * 1024 / 1000, LeastShares, MostShares);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
