using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What one object takes of a quota, by the names that quotas use.</summary>
internal static class QuotaUsage
{
    private static readonly string[] Computed = ["cpu", "memory", "ephemeral-storage"];

    /// <param name="obj">Null, as before its creation and after its deletion, takes nothing.</param>
    public static Amounts Of(ResourceKind kind, JsonObject? obj)
    {
        var usage = new Amounts();
        if (obj is null) return usage;
        usage[CountName(kind)] = One;
        if (kind.Group.Length > 0) return usage;
        switch (kind.Plural)
        {
            case "pods":
                if (obj.Text("status", "phase") is not ("Succeeded" or "Failed")) AddPod(obj, usage);
                break;
            case "services":
                AddService(obj, usage);
                break;
            case "persistentvolumeclaims":
                AddClaim(obj, usage);
                break;
            case "configmaps" or "secrets" or "replicationcontrollers" or "resourcequotas":
                usage[kind.Plural] = One;
                break;
        }

        return usage;
    }

    /// <summary>Such as <c>count/jobs.batch</c>.</summary>
    public static string CountName(ResourceKind kind) => $"count/{Failures.Qualified(kind)}";

    /// <summary>The kind whose objects a quota's name counts; null for a count of something that is not served.</summary>
    public static (string Group, string Plural)? Counted(string name)
    {
        if (name.StartsWith("count/", StringComparison.Ordinal))
        {
            var qualified = name["count/".Length..];
            var dot = qualified.IndexOf('.', StringComparison.Ordinal);
            return dot < 0 ? ("", qualified) : (qualified[(dot + 1)..], qualified[..dot]);
        }

        return name switch
        {
            "services.nodeports" or "services.loadbalancers" or "services" => ("", "services"),
            "configmaps" or "secrets" or "replicationcontrollers" or "resourcequotas" or "persistentvolumeclaims" => ("", name),
            "requests.storage" => ("", "persistentvolumeclaims"),
            _ when name.Contains(".storageclass.storage.k8s.io/", StringComparison.Ordinal) => ("", "persistentvolumeclaims"),
            _ => ("", "pods"),
        };
    }

    private static Quantity One => Quantity.FromUnits(1);

    private static void AddPod(JsonObject pod, Amounts usage)
    {
        usage["pods"] = One;
        foreach (var (name, amount) in PodResources.Requests(pod))
        {
            // Plain names are the older form, for what every node has; extended resources have the prefixed form alone.
            if (Computed.Contains(name) || name.StartsWith("hugepages-", StringComparison.Ordinal)) usage[name] = amount;
            usage[$"requests.{name}"] = amount;
        }

        foreach (var (name, amount) in PodResources.Limits(pod).Where(static l => Computed.Contains(l.Key))) usage[$"limits.{name}"] = amount;
    }

    private static void AddService(JsonObject service, Amounts usage)
    {
        usage["services"] = One;
        var type = service.Text("spec", "type");
        var hasNodePorts = type == "NodePort" || (type == "LoadBalancer" && service.Flag("spec", "allocateLoadBalancerNodePorts") != false);
        usage["services.nodeports"] = Quantity.FromUnits(hasNodePorts ? service.Objects("spec", "ports").Count() : 0);
        usage["services.loadbalancers"] = Quantity.FromUnits(type == "LoadBalancer" ? 1 : 0);
    }

    private static void AddClaim(JsonObject claim, Amounts usage)
    {
        usage["persistentvolumeclaims"] = One;
        var storage = Amounts.Read(claim.At("spec", "resources", "requests")).Of("storage");
        usage["requests.storage"] = storage;
        if (claim.Text("spec", "storageClassName") is not { Length: > 0 } storageClass) return;
        usage[$"{storageClass}.storageclass.storage.k8s.io/persistentvolumeclaims"] = One;
        usage[$"{storageClass}.storageclass.storage.k8s.io/requests.storage"] = storage;
    }
}
