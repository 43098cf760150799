namespace Mpi.Agent.Roles;

/// <summary>
/// OpenSSL under .NET reads the image's whole list of authorities at the first use, whatever is trusted: tens of
/// milliseconds, and files of the image that nobody asked for. Trust is equality here (<see cref="AgentCredentials"/>), so it
/// is shown an empty list. To be called before the first use of cryptography.
/// </summary>
internal static class NoAuthorities
{
    public static void Forget()
    {
        LibC.SetNativeVariable("SSL_CERT_DIR", "/nonexistent");
        LibC.SetNativeVariable("SSL_CERT_FILE", "/nonexistent");
    }
}
