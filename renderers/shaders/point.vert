// Round points of a fixed size on screen.

uniform mat4 u_view;
uniform mat4 u_clip;
uniform float u_diameter; // pixels of this target

attribute vec4 a_mean_opacity; // position; the fourth is not used
attribute vec3 a_colour;

varying vec3 v_colour;

void main() {
    v_colour = clamp(a_colour, 0.0, 1.0);
    gl_Position = u_clip * (u_view * vec4(a_mean_opacity.xyz, 1.0));
    gl_PointSize = u_diameter;
}
