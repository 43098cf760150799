using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// What is particular to one kind: its names, defaults, rules, and how it is shown. Everything else is the same for all
/// kinds and stands in <c>Verbs/</c>. Methods get trees of the served version and change them in place.
/// </summary>
internal abstract class KindStrategy
{
    public abstract ResourceKind Kind { get; }

    public virtual string Singular => Kind.Kind.ToLowerInvariant();
    public virtual string ListKind => Kind.Kind + "List";
    public virtual ImmutableArray<string> ShortNames => [];
    public virtual ImmutableArray<string> Categories => [];

    /// <summary>The kind's members and their types; null where a schema says them, or nothing does.</summary>
    public virtual Shape? Shape => ShapeCatalog.Find(Kind.Kind);

    /// <summary>Whether status is written through its own subresource only.</summary>
    public virtual bool HasStatus => false;

    /// <summary>Whether <c>metadata.generation</c> counts the changes of what is wanted.</summary>
    public virtual bool HasGeneration => false;

    /// <summary>Whether a finished deletion is answered with the object (as pods are) and not with a Status.</summary>
    public virtual bool ReturnsDeletedObject => false;

    /// <summary>Whether a PUT may create the object.</summary>
    public virtual bool AllowsCreateOnUpdate => false;

    /// <summary>Whether a PUT without resourceVersion overwrites.</summary>
    public virtual bool AllowsUnconditionalUpdate => true;

    /// <summary>Whether a status write may change labels and annotations too: of built-in kinds it may, of custom resources not.</summary>
    public virtual bool StatusWritesMetadata => true;

    /// <summary>Whether strategic merge patches are understood: of built-in kinds they are, of custom resources not.</summary>
    public virtual bool TakesStrategicPatch => true;

    /// <summary>Whether finalizers must have a domain: of core kinds they must, of definitions and custom resources they should.</summary>
    public virtual bool RequiresQualifiedFinalizers => true;

    /// <summary>Fields beside name and namespace that field selectors may name.</summary>
    public virtual ImmutableArray<string> SelectableFields => [];

    /// <summary>Subresources beside <c>status</c>, for discovery.</summary>
    public virtual ImmutableArray<Subresource> Subresources => [];

    /// <summary>Where the subresource <c>scale</c> finds its numbers; null without one.</summary>
    public virtual ScalePaths? Scale => null;

    /// <summary>What <c>kubectl get</c> shows after NAME.</summary>
    public virtual ImmutableArray<TableColumn> Columns => [TableColumn.Age];

    /// <summary>Whether the table's first column is the name.</summary>
    public virtual bool LeadsWithName => true;

    public virtual ImmutableArray<string> CheckName(string name) => Names.CheckDns1123Subdomain(name);

    /// <summary>What is answered to a field selector by another field; kinds differ in their words.</summary>
    public virtual string DescribeUnselectable(string field) =>
        SelectableFields.IsEmpty ? $"\"{field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"" : $"field label not supported: {field}";

    /// <summary>The kind in whose form the objects are stored; another one where this is a second view of the same objects.</summary>
    public virtual KindStrategy Stored => this;

    /// <summary>A selectable field's name in the stored form.</summary>
    public virtual string StoredField(string field) => field;

    /// <summary>A selectable field's value as text.</summary>
    public virtual string FieldValue(JsonObject obj, string field) => obj.At(field.Split('.')).Print();

    /// <summary>Members that the kind does not know, as paths. The caller reports them; <see cref="Prune"/> removes them.</summary>
    public virtual void FindUnknown(JsonObject obj, List<string> paths)
    {
        if (Shape is { } shape) ShapeChecking.FindUnknown(obj, shape, paths);
    }

    public virtual void Prune(JsonObject obj)
    {
        if (Shape is { } shape) ShapeChecking.Normalize(obj, shape);
    }

    /// <summary>Fills in what the client left out; on every write.</summary>
    public virtual void Default(JsonObject obj) { }

    /// <summary>Takes out what clients may not set at creation, and sets what the server sets.</summary>
    public virtual void PrepareForCreate(JsonObject obj, WriteContext context)
    {
        if (HasStatus) obj.Remove("status");
    }

    /// <summary>The same for an update of the main resource; status is already the old one.</summary>
    public virtual void PrepareForUpdate(JsonObject obj, JsonObject old, WriteContext context) { }

    /// <summary>The same for a write of the status; everything else is already the old one.</summary>
    public virtual void PrepareForStatusUpdate(JsonObject obj, JsonObject old, WriteContext context) { }

    public virtual void Validate(JsonObject obj, List<FieldError> errors) { }

    public virtual void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors) { }

    /// <summary>Both together, for an update; a kind that does not check again what did not change has its own way.</summary>
    public virtual void ValidateReplacement(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        Validate(obj, errors);
        ValidateUpdate(obj, old, errors);
    }

    public virtual void ValidateStatusUpdate(JsonObject obj, JsonObject old, List<FieldError> errors) { }

    /// <summary>Whether what is wanted differs, so that the generation goes up.</summary>
    public virtual bool ChangesGeneration(JsonObject obj, JsonObject old) => !obj["spec"].SameAs(old["spec"]);

    /// <summary>Seconds of grace that a deletion gives; null for kinds that are deleted at once.</summary>
    /// <param name="asked">What the request asks for.</param>
    public virtual long? GraceSeconds(JsonObject obj, long? asked) => null;

    /// <summary>Takes what a valid object needs of the server's stock (addresses), just before it is committed.</summary>
    public virtual void Allocate(JsonObject obj, WriteContext context) { }

    /// <summary>Gives that back: the object was deleted, or never came to be.</summary>
    public virtual void Release(JsonObject obj) { }

    /// <summary>Whether something must still happen before a deleted object may go.</summary>
    public virtual bool IsHeld(JsonObject obj) => obj.Texts("metadata", "finalizers").Any();

    /// <summary>Marks an object whose deletion has begun and that stays for now.</summary>
    public virtual void PrepareForDeletion(JsonObject obj) { }

    /// <summary>Called after an object was committed (null: was deleted), for kinds that the server itself acts on.</summary>
    public virtual void Committed(JsonObject? obj, JsonObject? old, WriteContext context) { }

    /// <summary>The object as it is served: other than the stored bytes where it is stored in another version.</summary>
    public virtual ReadOnlyMemory<byte> Show(StoredObject obj) => obj.Utf8;

    /// <summary>The same as a tree, without <c>managedFields</c>.</summary>
    public virtual JsonObject Open(StoredObject obj) => obj.Bytes.ReadTree();

    /// <summary>How values of this kind merge, and what of them can be owned.</summary>
    public virtual FieldType FieldType => Shape is { } shape ? FieldTypes.Of(shape) : FieldTypes.OfResource(Schema.Anything);

    /// <summary>An object of this kind in which nothing is set; not to be changed.</summary>
    public virtual JsonObject Empty => _empty ??= Shape?.Zero() ?? [];

    private JsonObject? _empty;

    /// <summary>What a write of the object itself, or of a subresource, leaves as it is: nobody comes to own it so.</summary>
    public virtual FieldSet FieldsNotWritten(string? subresource) => subresource == "status" ? NotStatus : HasStatus ? Status : FieldSet.Empty;

    /// <summary>The same kind in another version; null when that is not served.</summary>
    public virtual KindStrategy? InVersion(string apiVersion, ServerState server) => apiVersion == Kind.ApiVersion ? this : null;

    /// <summary>Turns an object of this version into another; it may change the tree that it is given.</summary>
    public virtual JsonObject ToVersion(JsonObject obj, KindStrategy other) => obj;

    private static readonly FieldSet Status = FieldSet.Of(["status"]);
    private static readonly FieldSet NotStatus = FieldSet.Of(["spec"], ["metadata", "deletionTimestamp"], ["metadata", "ownerReferences"]);

    /// <summary>The object as it is stored.</summary>
    public virtual JsonObject ToStorage(JsonObject obj) => obj;
}

/// <summary>A subresource as discovery names it.</summary>
/// <param name="Name">Such as <c>scale</c>.</param>
/// <param name="Kind">What its bodies are.</param>
/// <param name="ApiVersion">Their group and version; empty for the resource's own.</param>
internal sealed record Subresource(string Name, string Kind, string ApiVersion, ImmutableArray<string> Verbs);

/// <summary>Where <c>scale</c> finds its numbers, as steps from the object's root.</summary>
/// <param name="Selector">Where the selector stands, as an object or as text; empty for none.</param>
internal sealed record ScalePaths(ImmutableArray<string> SpecReplicas, ImmutableArray<string> StatusReplicas, ImmutableArray<string> Selector)
{
    public static readonly ScalePaths Workload = new(["spec", "replicas"], ["status", "replicas"], ["spec", "selector"]);
}
