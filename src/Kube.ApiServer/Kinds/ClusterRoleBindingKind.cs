using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ClusterRoleBindingKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.ClusterRoleBinding;
    public override bool AllowsCreateOnUpdate => true;

    /// <summary>RBAC names may hold colons (<c>system:node</c>): anything that can stand in a path.</summary>
    public override ImmutableArray<string> CheckName(string name) => PathSegment.Check(name);
}
