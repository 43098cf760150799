using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Computes a Service's Endpoints and EndpointSlices from the pods that its selector selects. Pure.</summary>
public static class EndpointsPlanner
{
    public const string ManagedBy = "endpointslice-controller.k8s.io";
    public const string HeadlessLabel = "service.kubernetes.io/headless";

    // The API's limit on one slice, as the controllers of Kubernetes set it by default.
    private const int EndpointsPerSliceMax = 100;

    /// <summary>The Endpoints object as it should be; labels of the Service are carried over.</summary>
    public static JsonObject Endpoints(KubeObject service, IEnumerable<PodView> pods)
    {
        // Endpoints know no terminating addresses: such a pod is out, unless the service wants pods whatever their state.
        var anyState = PublishesNotReady(service);
        var subsets = Backends(service, pods.Where(p => anyState || !p.IsTerminating))
            .GroupBy(static b => b.PortsKey, StringComparer.Ordinal)
            .OrderBy(static g => g.Key, StringComparer.Ordinal)
            .Select(group =>
            {
                var subset = new JsonObject();
                Add("addresses", group.Where(b => anyState || b.Pod.IsReady));
                Add("notReadyAddresses", group.Where(b => !anyState && !b.Pod.IsReady));
                if (group.First().Ports.Count > 0) subset["ports"] = group.First().Ports.DeepClone();
                return subset;

                void Add(string member, IEnumerable<Backend> backends)
                {
                    JsonArray addresses = [.. backends.Select(JsonNode (b) => Address(service, b))];
                    if (addresses.Count > 0) subset[member] = addresses;
                }
            });
        var tree = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Endpoints", ["metadata"] = Meta(service, service.Meta.Name) };
        JsonArray all = [.. subsets.Select(static JsonNode? (s) => s)];
        if (all.Count > 0) tree["subsets"] = all;
        return tree;
    }

    public static ImmutableArray<JsonObject> Slices(KubeObject service, IEnumerable<PodView> pods)
    {
        var slices = ImmutableArray.CreateBuilder<JsonObject>();
        var groups = Backends(service, pods).GroupBy(static b => b.PortsKey, StringComparer.Ordinal).OrderBy(static g => g.Key, StringComparer.Ordinal);
        foreach (var chunk in groups.SelectMany(static g => g.Chunk(EndpointsPerSliceMax)).DefaultIfEmpty([]))
        {
            var meta = Meta(service, NameSuffix.Name($"{service.Meta.Name}-", $"{service.Meta.Uid}/{slices.Count}"));
            meta["generateName"] = NameSuffix.Prefix($"{service.Meta.Name}-");
            meta.Object("labels")["kubernetes.io/service-name"] = service.Meta.Name;
            meta.Object("labels")["endpointslice.kubernetes.io/managed-by"] = ManagedBy;
            meta["ownerReferences"] = new JsonArray(OwnerReferences.Controller(service, Kinds.Service));
            slices.Add(new JsonObject
            {
                ["apiVersion"] = Kinds.EndpointSlice.ApiVersion,
                ["kind"] = Kinds.EndpointSlice.Kind,
                ["metadata"] = meta,
                ["addressType"] = "IPv4",
                ["endpoints"] = new JsonArray([.. chunk.Select(b => Endpoint(service, b))]),
                ["ports"] = chunk.Length > 0 ? chunk[0].Ports.DeepClone() : new JsonArray(),
            });
        }

        return slices.ToImmutable();
    }

    private sealed record Backend(PodView Pod, string Ip, JsonArray Ports, string PortsKey);

    private static IEnumerable<Backend> Backends(KubeObject service, IEnumerable<PodView> pods)
    {
        foreach (var pod in pods.OrderBy(static p => p.Meta.Name, StringComparer.Ordinal))
        {
            if (pod.IsFinished || pod.Status.Text("podIP") is not { Length: > 0 } ip) continue;
            JsonArray ports = [.. service.Root.Items("spec", "ports").Select(JsonNode? (p) => Port(p, pod)).Where(static p => p is not null)];
            // A service with ports reaches a pod only through one of them; a headless one may have none at all.
            if (ports.Count == 0 && service.Root.Items("spec", "ports").Any()) continue;
            yield return new Backend(pod, ip, ports, ports.ToJsonString());
        }
    }

    /// <summary>A service's port as this pod serves it; null when the pod has no container port of the target's name.</summary>
    private static JsonObject? Port(JsonElement port, PodView pod)
    {
        var protocol = port.Text("protocol") ?? "TCP";
        var target = port.At("targetPort");
        long? number = target.ValueKind switch
        {
            JsonValueKind.Number when target.TryGetInt64(out var given) && given > 0 => given,
            JsonValueKind.String => Containers(pod).SelectMany(static c => c.Items("ports"))
                .FirstOrDefault(p => p.Text("name") == target.GetString() && (p.Text("protocol") ?? "TCP") == protocol).Integer("containerPort"),
            _ => port.Integer("port"),
        };
        if (number is null) return null;
        var tree = new JsonObject();
        if (port.Text("name") is { Length: > 0 } name) tree["name"] = name;
        if (port.Text("appProtocol") is { } application) tree["appProtocol"] = application;
        tree["port"] = number;
        tree["protocol"] = protocol;
        return tree;
    }

    // A sidecar (an init container that is restarted always) serves ports too.
    private static IEnumerable<JsonElement> Containers(PodView pod) =>
        pod.Spec.Items("containers").Concat(pod.Spec.Items("initContainers").Where(static c => c.Text("restartPolicy") == "Always"));

    private static JsonObject Address(KubeObject service, Backend backend)
    {
        var address = new JsonObject { ["ip"] = backend.Ip };
        if (HostnameIn(service, backend.Pod) is { } hostname) address["hostname"] = hostname;
        if (backend.Pod.NodeName.Length > 0) address["nodeName"] = backend.Pod.NodeName;
        address["targetRef"] = Reference(backend.Pod);
        return address;
    }

    private static JsonObject Endpoint(KubeObject service, Backend backend)
    {
        var pod = backend.Pod;
        var endpoint = new JsonObject
        {
            ["addresses"] = new JsonArray((JsonNode)backend.Ip),
            ["conditions"] = new JsonObject
            {
                ["ready"] = PublishesNotReady(service) || (pod.IsReady && !pod.IsTerminating),
                ["serving"] = pod.IsReady,
                ["terminating"] = pod.IsTerminating,
            },
        };
        if (HostnameIn(service, pod) is { } hostname) endpoint["hostname"] = hostname;
        if (pod.NodeName.Length > 0) endpoint["nodeName"] = pod.NodeName;
        endpoint["targetRef"] = Reference(pod);
        return endpoint;
    }

    /// <summary>A pod has a name within the service that its <c>subdomain</c> names.</summary>
    private static string? HostnameIn(KubeObject service, PodView pod) =>
        pod.Spec.Text("subdomain") == service.Meta.Name && pod.Spec.Text("hostname") is { Length: > 0 } hostname ? hostname : null;

    private static JsonObject Reference(PodView pod) => new()
    {
        ["kind"] = "Pod",
        ["name"] = pod.Meta.Name,
        ["namespace"] = pod.Meta.Namespace,
        ["uid"] = pod.Meta.Uid,
    };

    private static JsonObject Meta(KubeObject service, string name)
    {
        var labels = service.Meta.Labels.OrderBy(static l => l.Key, StringComparer.Ordinal).ToTree();
        if (service.Root.Text("spec", "clusterIP") == "None") labels[HeadlessLabel] = "";
        return new JsonObject { ["name"] = name, ["namespace"] = service.Meta.Namespace, ["labels"] = labels };
    }

    private static bool PublishesNotReady(KubeObject service) => service.Root.Flag("spec", "publishNotReadyAddresses") ?? false;
}
