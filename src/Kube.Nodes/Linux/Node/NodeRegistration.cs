using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>Makes the Node object and keeps it Ready.</summary>
internal sealed class NodeRegistration(IKubeClient client, LinuxNodeOptions options, TimeProvider time, Action<string> report) : ILoop
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private DateTimeOffset? _due;
    private DateTimeOffset? _readySince;

    public string Name => "node-registration";

    public Quantity Cpus { get; } = Quantity.FromUnits(options.Cpus ?? Environment.ProcessorCount);

    public Quantity Memory { get; } = Quantity.FromUnits((options.MemoryBytes ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) / 1024 * 1024, QuantityForm.BinarySuffix);

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (_due is { } due && due > now) return false;
        try
        {
            _readySince ??= now;
            try
            {
                await client.PatchAsync(Kinds.Node, null, options.Name, Patch.Merge(new JsonObject { ["status"] = Status(now) }), "status", cancellation);
            }
            catch (ApiException missing) when (missing.IsNotFound)
            {
                await client.CreateAsync(Kinds.Node, Node(now), cancellation);
                await client.PatchAsync(Kinds.Node, null, options.Name, Patch.Merge(new JsonObject { ["status"] = Status(now) }), "status", cancellation);
            }

            _due = now + options.Heartbeat;
        }
        catch (Exception failed) when (failed is ApiException or HttpRequestException)
        {
            report($"registering node {options.Name}: {failed.Message}");
            _due = now + Retry;
        }

        return true;
    }

    public async ValueTask WaitAsync(CancellationToken cancellation)
    {
        var left = (_due ?? time.GetUtcNow()) - time.GetUtcNow();
        if (left > TimeSpan.Zero) await Task.Delay(left, time, cancellation);
    }

    private KubeObject Node(DateTimeOffset now)
    {
        var labels = new JsonObject
        {
            ["kubernetes.io/hostname"] = options.Name,
            ["kubernetes.io/os"] = "linux",
            ["kubernetes.io/arch"] = Architecture,
            ["beta.kubernetes.io/os"] = "linux",
            ["beta.kubernetes.io/arch"] = Architecture,
        };
        foreach (var (key, value) in options.Labels) labels[key] = value;
        return KubeObject.From(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Node",
            ["metadata"] = new JsonObject { ["name"] = options.Name, ["labels"] = labels },
            ["spec"] = new JsonObject(),
            ["status"] = Status(now),
        });
    }

    private JsonObject Status(DateTimeOffset now) => new()
    {
        ["capacity"] = Resources(),
        ["allocatable"] = Resources(),
        ["conditions"] = new JsonArray(
            Condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available", now),
            Condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", now),
            Condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available", now),
            Condition("Ready", "True", "KubeletReady", "pods run as processes of this machine", now)),
        ["addresses"] = new JsonArray(
            new JsonObject { ["type"] = "InternalIP", ["address"] = options.Network.Gateway.ToString() },
            new JsonObject { ["type"] = "Hostname", ["address"] = options.Name }),
        ["nodeInfo"] = new JsonObject
        {
            ["machineID"] = "",
            ["systemUUID"] = "",
            ["bootID"] = "",
            ["kernelVersion"] = ProcessTree.Read("/proc/sys/kernel/osrelease")?.Trim() ?? "",
            ["osImage"] = RuntimeInformation.OSDescription,
            ["containerRuntimeVersion"] = "sandbox://1",
            ["kubeletVersion"] = FollowedKubernetes.Version,
            ["kubeProxyVersion"] = "",
            ["operatingSystem"] = "linux",
            ["architecture"] = Architecture,
        },
    };

    private JsonObject Resources()
    {
        var resources = new JsonObject
        {
            ["cpu"] = Cpus.ToString(),
            ["memory"] = Memory.ToString(),
            ["pods"] = options.PodsAtMost.ToString(CultureInfo.InvariantCulture),
            ["ephemeral-storage"] = Memory.ToString(),
        };
        foreach (var (name, amount) in options.ExtendedResources) resources[name] = amount;
        return resources;
    }

    private JsonObject Condition(string type, string status, string reason, string message, DateTimeOffset now) => new()
    {
        ["type"] = type,
        ["status"] = status,
        ["reason"] = reason,
        ["message"] = message,
        ["lastHeartbeatTime"] = KubeTime.Format(now),
        ["lastTransitionTime"] = KubeTime.Format(_readySince ?? now),
    };

    private static string Architecture => RuntimeInformation.ProcessArchitecture switch { System.Runtime.InteropServices.Architecture.X64 => "amd64", System.Runtime.InteropServices.Architecture.Arm64 => "arm64", var other => other.ToString().ToLowerInvariant() };
}
