using System.Collections.Immutable;
using System.Text.Json;

namespace Kube.Types;

/// <summary>The part of <c>metadata</c> that code here decides by, read once from an object's bytes.</summary>
public sealed record ObjectMeta
{
    public string Name { get; init; } = "";
    public string GenerateName { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Uid { get; init; } = "";
    public string ResourceVersion { get; init; } = "";
    public long Generation { get; init; }
    public DateTimeOffset? CreationTimestamp { get; init; }
    public DateTimeOffset? DeletionTimestamp { get; init; }
    public ImmutableDictionary<string, string> Labels { get; init; } = ImmutableDictionary<string, string>.Empty;
    public ImmutableDictionary<string, string> Annotations { get; init; } = ImmutableDictionary<string, string>.Empty;
    public ImmutableArray<OwnerReference> OwnerReferences { get; init; } = [];
    public ImmutableArray<string> Finalizers { get; init; } = [];

    public ObjectKey Key => new(Namespace, Name);

    /// <summary>The one owner that manages this object, if any.</summary>
    public OwnerReference? Controller => OwnerReferences.FirstOrDefault(static o => o.Controller);

    public static ObjectMeta Read(JsonElement metadata) => new()
    {
        Name = metadata.Text("name") ?? "",
        GenerateName = metadata.Text("generateName") ?? "",
        Namespace = metadata.Text("namespace") ?? "",
        Uid = metadata.Text("uid") ?? "",
        ResourceVersion = metadata.Text("resourceVersion") ?? "",
        Generation = metadata.Integer("generation") ?? 0,
        CreationTimestamp = metadata.Time("creationTimestamp"),
        DeletionTimestamp = metadata.Time("deletionTimestamp"),
        Labels = metadata.TextMap("labels"),
        Annotations = metadata.TextMap("annotations"),
        OwnerReferences = [.. metadata.Items("ownerReferences").Select(OwnerReference.Read)],
        Finalizers = [.. metadata.Items("finalizers").Where(static f => f.ValueKind == JsonValueKind.String).Select(static f => f.GetString()!)],
    };
}

/// <summary>An entry of <c>metadata.ownerReferences</c>.</summary>
public sealed record OwnerReference(string ApiVersion, string Kind, string Name, string Uid, bool Controller, bool BlockOwnerDeletion)
{
    public static OwnerReference Read(JsonElement reference) => new(
        reference.Text("apiVersion") ?? "",
        reference.Text("kind") ?? "",
        reference.Text("name") ?? "",
        reference.Text("uid") ?? "",
        reference.Flag("controller") ?? false,
        reference.Flag("blockOwnerDeletion") ?? false);

    /// <summary>The API group of the owner; empty for the core group.</summary>
    public string Group => ApiVersion.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? ApiVersion[..slash] : "";
}
