using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class LeaseKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Lease;
    public override bool AllowsCreateOnUpdate => true;
}
