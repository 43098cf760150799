using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// The transport is chosen when a job is announced and stands while it has pods: those of one transport could not talk to those of
/// another. So an annotation that is changed later takes effect when the job is suspended and resumed.
/// </summary>
public static class StandingTransport
{
    private static readonly TransportChoice OfPredecessors = new(Transport.Ssh, "the job was begun by an operator that knew no other");

    /// <summary>The run with the transport that its pods have.</summary>
    public static MpiRun Of(RecordedRun recorded, MpiRun run) =>
        !recorded.Announced || recorded.Suspended == true ? run : run with { Transport = recorded.Transport ?? OfPredecessors };
}
