namespace Mpi.Cli;

/// <summary>The program's streams as a run uses them.</summary>
/// <param name="Line">Where everything is written.</param>
/// <param name="Live">Whether a person watches: standard error is a terminal.</param>
/// <param name="Colour">Whether that terminal takes colour (<c>NO_COLOR</c> is respected).</param>
internal sealed record RunTerminal(StatusLine Line, bool Live, bool Colour)
{
    public static RunTerminal Open(bool json)
    {
        var live = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        var colour = live && Environment.GetEnvironmentVariable("NO_COLOR") is null or "";
        return new RunTerminal(new StatusLine(Console.Out, Console.Error, live && !json, static () => Console.IsErrorRedirected ? 120 : Console.WindowWidth), live && !json, colour);
    }
}
