using System.Collections.Immutable;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>A field that an apply would change and that another owns.</summary>
internal sealed record FieldConflict(FieldOwner Owner, ImmutableArray<FieldStep> Path)
{
    /// <summary>Who owns it, as messages say it.</summary>
    public string OwnerText =>
        $"\"{Owner.Manager}\"{(Owner.Subresource.Length > 0 ? $" with subresource \"{Owner.Subresource}\"" : "")}{(Owner.IsApply ? "" : $" using {Owner.ApiVersion}")}";

    public string PathText => FieldPaths.Print(Path);

    /// <summary>As it looks to who applies a Scale, in which the number of replicas stands elsewhere than in the object.</summary>
    public FieldConflict InScale() => new(Owner with { ApiVersion = "autoscaling/v1" }, [FieldStep.Member("spec"), FieldStep.Member("replicas")]);
}

/// <summary>Conflicts of an apply, and the refusal for them in the words that clients match on.</summary>
internal static class FieldConflicts
{
    /// <param name="written">What the apply would add or modify, in the owner's version.</param>
    public static IEnumerable<FieldConflict> Of(FieldOwner owner, FieldSet written) => owner.Fields.Intersect(written).Paths().Select(path => new FieldConflict(owner, path));

    public static ApiException Refuse(ImmutableArray<FieldConflict> found, WriteContext context)
    {
        var conflicts = context.Call.Subresource == "scale" ? [.. found.Select(static c => c.InScale())] : found;
        var byOwner = conflicts
            .GroupBy(static c => c.OwnerText, StringComparer.Ordinal)
            .OrderBy(static g => $"{g.First().Owner.Manager}\"{g.First().Owner.Operation}{g.First().Owner.ApiVersion}{g.First().Owner.Subresource}", StringComparer.Ordinal)
            .ToList();
        var message = conflicts is [var only]
            ? $"Apply failed with 1 conflict: conflict with {only.OwnerText}: {only.PathText}"
            : $"Apply failed with {conflicts.Length} conflicts: {string.Join('\n', byOwner.Select(static g => $"conflicts with {g.Key}:\n{string.Join('\n', g.Select(static c => $"- {c.PathText}"))}"))}";
        return new ApiException(new ApiStatus(409, ApiReason.Conflict, message)
        {
            Causes = [.. byOwner.SelectMany(static g => g).Select(static c => new ApiStatusCause("FieldManagerConflict", $"conflict with {c.OwnerText}", c.PathText))],
        });
    }
}
