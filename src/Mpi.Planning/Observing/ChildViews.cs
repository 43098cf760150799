using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>What a plan needs of any child: which incarnation it is and whose.</summary>
/// <param name="OwnerUid">The controller owner's uid; empty for an object that nobody controls.</param>
/// <param name="OwnerName">Such as <c>MPIJob/pi</c>, for messages.</param>
/// <param name="DeletionTimestamp">When a deletion that was asked for ends at the latest.</param>
public sealed record ChildMeta(
    string Name, string Uid, string ResourceVersion, string OwnerUid, string OwnerName, DateTimeOffset? CreationTimestamp, DateTimeOffset? DeletionTimestamp)
{
    public bool Deleting => DeletionTimestamp is not null;

    public static ChildMeta Read(JsonElement root)
    {
        var meta = root.At("metadata");
        var owner = meta.Items("ownerReferences").FirstOrDefault(static o => o.Flag("controller") == true);
        return new ChildMeta(
            meta.Text("name") ?? "",
            meta.Text("uid") ?? "",
            meta.Text("resourceVersion") ?? "",
            owner.Text("uid") ?? "",
            owner.Has("uid") ? $"{owner.Text("kind")}/{owner.Text("name")}" : "",
            meta.Time("creationTimestamp"),
            meta.Time("deletionTimestamp"));
    }
}

/// <param name="ClusterIp">Empty before the server has given one, and for a headless Service.</param>
public sealed record ServiceView(ChildMeta Meta, ImmutableDictionary<string, string> Selector, bool PublishNotReadyAddresses, string ClusterIp)
{
    public static ServiceView Read(JsonElement root) => new(
        ChildMeta.Read(root),
        root.TextMap("spec", "selector"),
        root.Flag("spec", "publishNotReadyAddresses") ?? false,
        root.Text("spec", "clusterIP") is { } address and not "None" ? address : "");
}

/// <param name="Keys">The names in <c>data</c>.</param>
/// <param name="Digest">Of <c>data</c>, see <see cref="DigestOf"/>: a host list of thousands of lines is not kept a second time.</param>
public sealed record ConfigMapView(ChildMeta Meta, ImmutableArray<string> Keys, string Digest)
{
    public static ConfigMapView Read(JsonElement root)
    {
        var data = root.TextMap("data");
        return new ConfigMapView(ChildMeta.Read(root), [.. data.Keys.Order(StringComparer.Ordinal)], DigestOf(data));
    }

    public static string DigestOf(IEnumerable<KeyValuePair<string, string>> data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (key, value) in data.OrderBy(static e => e.Key, StringComparer.Ordinal))
        {
            // Lengths first, so that no two maps run into the same bytes.
            hash.AppendData(Encoding.UTF8.GetBytes($"{key.Length}:{key}{value.Length}:"));
            hash.AppendData(Encoding.UTF8.GetBytes(value));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <param name="Digest">Of what it allows, see <see cref="DigestOf"/>: the names of thousands of workers are not kept a second time.</param>
public sealed record RoleView(ChildMeta Meta, string Digest)
{
    public static RoleView Read(JsonElement root) => new(ChildMeta.Read(root), DigestOf(root.Items("rules")));

    public static string DigestOf(IEnumerable<JsonElement> rules)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var rule in rules)
        {
            // None of these words can hold a line break.
            foreach (var list in (ReadOnlySpan<string>)["apiGroups", "resources", "verbs", "resourceNames"])
            {
                hash.AppendData(Encoding.UTF8.GetBytes($"{list}\n{string.Join('\n', rule.Words(list))}\n"));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>A Secret without its values: a plan decides by the names of the keys, and nobody keeps what need not be kept.</summary>
public sealed record SecretView(ChildMeta Meta, ImmutableArray<string> Keys)
{
    public static SecretView Read(JsonElement root) =>
        new(ChildMeta.Read(root), [.. root.Members("data").Select(static m => m.Name).Order(StringComparer.Ordinal)]);
}
