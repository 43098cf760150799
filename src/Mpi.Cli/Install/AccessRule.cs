using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>A rule as it stands in a Role, and in what an API server says of somebody's rights.</summary>
/// <param name="Names">Only objects of these names; empty for all.</param>
public sealed record AccessRule(ImmutableArray<string> Groups, ImmutableArray<string> Resources, ImmutableArray<string> Verbs, ImmutableArray<string> Names)
{
    public static AccessRule Read(JsonElement rule) => new(rule.Words("apiGroups"), rule.Words("resources"), rule.Words("verbs"), rule.Words("resourceNames"));

    public bool Allows(AccessRight right) =>
        Covers(Groups, right.Group)
        && (Covers(Resources, right.Resource) || (right.Subresource is { } sub && Resources.Contains($"*/{sub}")))
        && Covers(Verbs, right.Verb)
        && (Names.IsEmpty || (right.Name is { } name && Names.Contains(name)));

    /// <summary>One right for each verb on each resource.</summary>
    /// <param name="ns">Where; empty for the whole cluster.</param>
    public IEnumerable<AccessRight> Rights(string ns) =>
        from name in Names.IsEmpty ? [null] : Names.Select(static string? (n) => n)
        from @group in Groups
        from resource in Resources
        from verb in Verbs
        select new AccessRight(ns, @group, resource, name, verb);

    private static bool Covers(ImmutableArray<string> list, string wanted) => list.Contains(wanted) || list.Contains("*");
}

/// <param name="Namespace">Empty for all namespaces, and for what lives in none.</param>
/// <param name="Resource">With its subresource: <c>pods/exec</c>.</param>
/// <param name="Name">Null for objects of any name.</param>
public sealed record AccessRight(string Namespace, string Group, string Resource, string? Name, string Verb)
{
    public string? Subresource => Resource.IndexOf('/', StringComparison.Ordinal) is var at and > 0 ? Resource[(at + 1)..] : null;
    public string Plural => Resource.Split('/')[0];
}
