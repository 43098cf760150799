using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Testing;

/// <summary>A verb on a resource, as RBAC names them: <c>patch jobs/status</c> in group <c>batch</c>.</summary>
public sealed record Right(string Verb, string Group, string Resource)
{
    public static Right Needed(ApiRequest request) => new(request.Verb, request.Group, request.Resource);

    public override string ToString() => Group.Length == 0 ? $"{Verb} {Resource}" : $"{Verb} {Resource}.{Group}";
}

/// <summary>What one service account may do, read from manifests as RBAC's authorizer reads them: roles that are bound to it, and nothing else.</summary>
public sealed class GrantedRights
{
    private readonly ImmutableArray<Grant> _grants;

    private GrantedRights(ImmutableArray<Grant> grants) => _grants = grants;

    /// <param name="Namespace">Where it holds; empty everywhere.</param>
    /// <param name="Names">The only objects that it is about; empty for all.</param>
    private sealed record Grant(Right Right, string Namespace, ImmutableArray<string> Names);

    /// <summary>Every right, wherever it holds and whatever object it is limited to.</summary>
    public IEnumerable<Right> All => _grants.Select(static g => g.Right).Distinct();

    /// <param name="manifests">YAML with roles and bindings; other kinds are passed over.</param>
    /// <param name="account">The service account's name, the same in all its namespaces.</param>
    public static GrantedRights Read(string manifests, string account)
    {
        var objects = Yaml.Read(manifests).Select(static d => KubeObject.From(d.Root)).ToImmutableArray();
        var grants = ImmutableArray.CreateBuilder<Grant>();
        foreach (var binding in objects.Where(o => o.Kind is "RoleBinding" or "ClusterRoleBinding" && o.Root.Items("subjects").Any(s => s.Text("kind") == "ServiceAccount" && s.Text("name") == account)))
        {
            var role = objects.Single(o => o.Kind == binding.Root.Text("roleRef", "kind") && o.Meta.Name == binding.Root.Text("roleRef", "name") && o.Meta.Namespace == (o.Kind == "Role" ? binding.Meta.Namespace : ""));
            grants.AddRange(role.Root.Items("rules").SelectMany(rule => Expand(rule, binding.Meta.Namespace)));
        }

        return new GrantedRights(grants.ToImmutable());
    }

    /// <summary>The same but for one right, wherever it holds.</summary>
    public GrantedRights Without(Right right) => new(_grants.RemoveAll(g => g.Right == right));

    public bool Allow(ApiRequest request)
    {
        var needed = Right.Needed(request);
        return _grants.Any(g => g.Right == needed && (g.Namespace.Length == 0 || g.Namespace == request.Namespace) && (g.Names.IsEmpty || g.Names.Contains(request.Name)));
    }

    private static IEnumerable<Grant> Expand(JsonElement rule, string ns) =>
        from @group in rule.Words("apiGroups")
        from resource in rule.Words("resources")
        from verb in rule.Words("verbs")
        select verb == "*" || resource == "*" || @group == "*"
            ? throw new ArgumentException($"{verb} {resource}.{@group}: a right to everything is none that can be compared")
            : new Grant(new Right(verb, @group, resource), ns, rule.Words("resourceNames"));
}
