using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Which objects a controller's object has by right (Kubernetes' rule of controller references): those it controls and still
/// selects are its own; those that nobody controls and it selects it adopts; those it controls and no longer selects it lets go.
/// </summary>
/// <param name="Owned">Its own already.</param>
/// <param name="Adopt">To be made its own.</param>
/// <param name="Release">To be let go.</param>
public sealed record Claims<T>(ImmutableArray<T> Owned, ImmutableArray<T> Adopt, ImmutableArray<T> Release) where T : class;

/// <inheritdoc cref="Claims{T}"/>
public static class Claims
{
    /// <param name="candidates">The objects that the owner controls, and those of its namespace that nobody controls.</param>
    /// <param name="mayTake">A further condition on what is adopted or kept, such as a name of the right form.</param>
    public static Claims<T> Of<T>(ObjectMeta owner, LabelSelector selector, IEnumerable<T> candidates, Func<T, ObjectMeta> meta, Func<T, bool>? mayTake = null) where T : class
    {
        var (owned, adopt, release) = (ImmutableArray.CreateBuilder<T>(), ImmutableArray.CreateBuilder<T>(), ImmutableArray.CreateBuilder<T>());
        foreach (var candidate in candidates)
        {
            var its = meta(candidate);
            var isWanted = selector.Matches(its.Labels) && (mayTake is null || mayTake(candidate));
            if (its.Controller is { } controller)
            {
                if (controller.Uid != owner.Uid) continue;
                if (isWanted || owner.DeletionTimestamp is not null) owned.Add(candidate);
                else release.Add(candidate);
            }
            else if (isWanted && owner.DeletionTimestamp is null && its.DeletionTimestamp is null) adopt.Add(candidate);
        }

        return new Claims<T>(owned.ToImmutable(), adopt.ToImmutable(), release.ToImmutable());
    }
}
