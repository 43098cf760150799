using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class EventKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Event;
    public override ImmutableArray<string> ShortNames => ["ev"];
    public override bool AllowsCreateOnUpdate => true;
}
