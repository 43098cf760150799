using Kube.Client;

namespace Kube.Controllers;

internal static class Pass
{
    /// <summary>Another look when time alone has changed the decision; null waits for a change.</summary>
    public static Outcome RevisitAt(DateTimeOffset? at, DateTimeOffset now) => at is { } due ? new Outcome.Requeue(due > now ? due - now : TimeSpan.Zero) : Outcome.Done;
}
