using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What is served: <c>/api</c>, <c>/apis</c> and below, in the older form (a document a version) and the aggregated one.</summary>
internal sealed class DiscoveryEndpoint(ServerState server)
{
    private const string AggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    private static readonly ImmutableArray<string> ObjectVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    private static readonly ImmutableArray<string> CustomVerbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
    private static readonly ImmutableArray<string> StatusVerbs = ["get", "patch", "update"];

    /// <summary>Null when the path is none of discovery's.</summary>
    public ApiResponse? TryAnswer(ApiRequest request)
    {
        return request.Path.Split('/', StringSplitOptions.RemoveEmptyEntries) switch
        {
            ["api"] => Aggregates(request) ? Aggregated(static r => r.Group.Length == 0) : ApiResponse.Of(LegacyVersions()),
            ["apis"] => Aggregates(request) ? Aggregated(static r => r.Group.Length > 0) : ApiResponse.Of(GroupList()),
            ["apis", var group] when server.Registry.HasGroup(group) || Reviews.All.Any(r => r.Group == group) => ApiResponse.Of(Group(group, withType: true)),
            ["api", var version] => Resources("", version),
            ["apis", var group, var version] => Resources(group, version),
            _ => null,
        };
    }

    private static bool Aggregates(ApiRequest request) => request.Accept.Split(',').Any(static entry =>
    {
        var parts = entry.Split(';', StringSplitOptions.TrimEntries);
        return Negotiation.Parameter(parts, "as") == "APIGroupDiscoveryList" && Negotiation.Parameter(parts, "v") == "v2";
    });

    private static JsonObject LegacyVersions() => new()
    {
        ["kind"] = "APIVersions",
        ["versions"] = new JsonArray("v1"),
        ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = "127.0.0.1" }),
    };

    private JsonObject GroupList() => new()
    {
        ["kind"] = "APIGroupList",
        ["apiVersion"] = "v1",
        ["groups"] = new JsonArray([.. Groups().Where(static g => g.Length > 0).Select(g => Group(g, withType: false))]),
    };

    private JsonObject Group(string group, bool withType)
    {
        var versions = Versions(group).ToList();
        var tree = new JsonObject();
        if (withType)
        {
            tree["kind"] = "APIGroup";
            tree["apiVersion"] = "v1";
        }

        tree["name"] = group;
        tree["versions"] = new JsonArray([.. versions.Select(v => Version(group, v))]);
        tree["preferredVersion"] = Version(group, versions[0]);
        return tree;

        static JsonObject Version(string group, string version) => new() { ["groupVersion"] = $"{group}/{version}", ["version"] = version };
    }

    private IEnumerable<string> Groups() =>
        All().Select(static r => r.Kind.Group).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    private IEnumerable<string> Versions(string group) =>
        All().Where(r => r.Kind.Group == group).Select(static r => r.Kind.Version).Distinct(StringComparer.Ordinal).Order(KubeVersionOrder.Instance);

    /// <summary>Everything served, the reviews included, which keep no objects.</summary>
    private IEnumerable<Discovered> All() =>
        server.Registry.All.Select(static r => new Discovered(r.Kind, r.Strategy)).Concat(Reviews.All.Select(static r => new Discovered(r, null)));

    private ApiResponse.Content Resources(string group, string version)
    {
        var found = All().Where(r => r.Kind.Group == group && r.Kind.Version == version).ToList();
        if (found.Count == 0) return ApiResponse.NotServed;
        var resources = new JsonArray();
        foreach (var one in found)
        {
            resources.Add((JsonNode)Entry(one));
            foreach (var sub in Subresources(one)) resources.Add((JsonNode)Entry(one, sub));
        }

        return ApiResponse.Of(new JsonObject
        {
            ["kind"] = "APIResourceList",
            ["apiVersion"] = "v1",
            ["groupVersion"] = group.Length == 0 ? version : $"{group}/{version}",
            ["resources"] = resources,
        });
    }

    private static JsonObject Entry(Discovered one)
    {
        var entry = new JsonObject
        {
            ["name"] = one.Kind.Plural,
            ["singularName"] = one.Singular,
            ["namespaced"] = one.Kind.Namespaced,
            ["kind"] = one.Kind.Kind,
            ["verbs"] = Verbs(one).ToTree(),
        };
        AddNames(entry, one);
        if (one.Strategy is not null) entry["storageVersionHash"] = StorageVersionHash(one.Kind);
        return entry;
    }

    /// <summary>Tells clients when objects are stored in another version than before (<c>discovery.StorageVersionHash</c>).</summary>
    private static string StorageVersionHash(ResourceKind kind) =>
        Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind.Group}/{kind.Version}/{kind.Kind}")).AsSpan(0, 8));

    private static JsonObject Entry(Discovered one, Subresource sub)
    {
        var entry = new JsonObject { ["name"] = $"{one.Kind.Plural}/{sub.Name}", ["singularName"] = "", ["namespaced"] = one.Kind.Namespaced };
        if (sub.ApiVersion.Length > 0)
        {
            var (group, version) = Split(sub.ApiVersion);
            entry["group"] = group;
            entry["version"] = version;
        }

        entry["kind"] = sub.Kind;
        entry["verbs"] = sub.Verbs.ToTree();
        return entry;
    }

    private ApiResponse.Content Aggregated(Func<ResourceKind, bool> wanted)
    {
        var items = new JsonArray();
        foreach (var group in Groups())
        {
            var versions = new JsonArray();
            foreach (var version in Versions(group))
            {
                var resources = All().Where(r => r.Kind.Group == group && r.Kind.Version == version && wanted(r.Kind)).Select(Discover).ToArray();
                if (resources.Length > 0) versions.Add((JsonNode)new JsonObject { ["version"] = version, ["resources"] = new JsonArray(resources), ["freshness"] = "Current" });
            }

            if (versions.Count == 0) continue;
            var meta = new JsonObject();
            if (group.Length > 0) meta["name"] = group;
            meta["creationTimestamp"] = null;
            items.Add((JsonNode)new JsonObject { ["metadata"] = meta, ["versions"] = versions });
        }

        var list = new JsonObject { ["kind"] = "APIGroupDiscoveryList", ["apiVersion"] = "apidiscovery.k8s.io/v2", ["metadata"] = new JsonObject(), ["items"] = items };
        return ApiResponse.Of(list) with { ContentType = AggregatedType };
    }

    private static JsonObject Discover(Discovered one)
    {
        var entry = new JsonObject
        {
            ["resource"] = one.Kind.Plural,
            ["responseKind"] = ResponseKind(one.Kind.Group, one.Kind.Version, one.Kind.Kind),
            ["scope"] = one.Kind.Namespaced ? "Namespaced" : "Cluster",
            ["singularResource"] = one.Singular,
            ["verbs"] = Verbs(one).ToTree(),
        };
        AddNames(entry, one);
        var subresources = Subresources(one).Select(sub =>
        {
            var (group, version) = sub.ApiVersion.Length > 0 ? Split(sub.ApiVersion) : (one.Kind.Group, one.Kind.Version);
            return (JsonNode)new JsonObject { ["subresource"] = sub.Name, ["responseKind"] = ResponseKind(group, version, sub.Kind), ["verbs"] = sub.Verbs.ToTree() };
        }).ToArray();
        if (subresources.Length > 0) entry["subresources"] = new JsonArray(subresources);
        return entry;
    }

    private static JsonObject ResponseKind(string group, string version, string kind) => new() { ["group"] = group, ["version"] = version, ["kind"] = kind };

    private static void AddNames(JsonObject entry, Discovered one)
    {
        if (one.Strategy is { ShortNames.IsEmpty: false } named) entry["shortNames"] = named.ShortNames.ToTree();
        if (one.Strategy is { Categories.IsEmpty: false } grouped) entry["categories"] = grouped.Categories.ToTree();
    }

    private static ImmutableArray<string> Verbs(Discovered one) => one.Strategy is null ? ["create"]
        : one.Strategy is CustomResourceKind ? CustomVerbs
        : one.Kind.Plural == "namespaces" ? ObjectVerbs.Remove("deletecollection")
        : ObjectVerbs;

    private static IEnumerable<Subresource> Subresources(Discovered one)
    {
        if (one.Strategy is null) return [];
        var all = one.Strategy.HasStatus ? one.Strategy.Subresources.Add(new Subresource("status", one.Kind.Kind, "", StatusVerbs)) : one.Strategy.Subresources;
        return all.OrderBy(static s => s.Name, StringComparer.Ordinal);
    }

    private static (string Group, string Version) Split(string apiVersion) => apiVersion.Split('/') is [var group, var version] ? (group, version) : ("", apiVersion);

    private sealed record Discovered(ResourceKind Kind, KindStrategy? Strategy)
    {
        public string Singular => Strategy?.Singular ?? Kind.Kind.ToLowerInvariant();
    }
}
